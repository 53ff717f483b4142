// Workflow `comparison`: candidates, each against one standard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "json/writer.h"
#include "model/job.h"
#include "model/task.h"
#include "workflows/comparison/comparison_request.h"
#include "workflows/documents/background.h"
#include "workflows/registry.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

// A candidate is one step; in batch mode candidates share prompts, which tell the standard once.
// What is too long for a prompt is split, each part of a candidate is compared with each of the
// standard, and a last step makes one outcome of them.
class ComparisonWorkflow : public Workflow {
 public:
  // `room_tokens`: what one prompt has for documents.
  ComparisonWorkflow(ComparisonRequest request, std::int64_t room_tokens);

  Steps Begin() override;
  std::vector<Reference> references() const override;
  Steps OnFetched(std::size_t reference, Fetched&& fetched) override;
  Steps OnOutcome(std::size_t step, model::ItemResult result) override;
  jobs::Standing standing() const override;
  bool done() const override { return counts_.done == counts_.total; }
  jobs::Ending End(const jobs::Totals& totals, const model::ItemError& unfinished) override;
  // Known when all documents are there.
  bool real_time() const override { return mode_ && !mode_->batch; }

  // Why what is there can't be asked; nullopt: it can, or something is yet to be fetched.
  std::optional<std::string> TooLong() const;

 private:
  struct Candidate {
    std::vector<std::string> parts;             // of its text; one if it is whole
    std::vector<model::ItemOutcome> outcomes;   // a part of the standard after the other
    std::size_t open = 0;                       // of them
    std::optional<model::ItemOutcome> outcome;  // of all
  };
  // What a step is about; no part: the merging of all.
  struct Asked {
    std::size_t candidate = 0;
    std::optional<std::size_t> part;
  };

  // A document that is elsewhere.
  struct Elsewhere {
    std::optional<std::size_t> candidate;  // nullopt: the standard
    Reference reference;
  };

  // Divides the documents: now all are there that will be.
  void Plan();
  Steps Ask();
  void Fail(Candidate& candidate, const model::ItemError& error);
  void FailAll(const model::ItemError& error);
  std::vector<std::size_t> ReferencesOf(std::size_t candidate) const;
  std::size_t part_steps() const;
  std::size_t part_bytes() const;
  std::string ContextOf(std::size_t standard_part) const;
  Step StepOf(std::size_t candidate, std::size_t standard_part, std::size_t part) const;
  Step MergeOf(std::size_t candidate) const;
  bool IsWhole(const Candidate& candidate) const { return candidate.outcomes.size() <= 1; }
  void Finish(Candidate& candidate, model::ItemOutcome outcome);
  std::string ResultOf(std::size_t candidate, const model::ItemError& unfinished) const;
  void WriteParts(json::Writer& writer, const Candidate& candidate) const;

  ComparisonRequest request_;
  std::int64_t room_tokens_;
  std::vector<Elsewhere> elsewhere_;  // the standard first
  std::size_t to_fetch_ = 0;          // of them
  std::vector<std::string> standard_parts_;
  std::vector<Candidate> candidates_;
  std::optional<BatchMode> mode_;  // nullopt: something is yet to be fetched
  std::vector<Asked> asked_;       // one a step
  std::vector<jobs::Stage> stages_;
  model::ItemCounts counts_;
  std::optional<model::ItemError> first_error_;
};

// Malformed also if the documents would have to be split into more than kMaxPartSteps questions, or
// these would have more than kMaxPartBytes. If that shows only when all have been fetched, all
// candidates fail.
inline constexpr std::size_t kMaxPartSteps = 2'000;
inline constexpr std::size_t kMaxPartBytes = std::size_t{64} << 20;
Made MakeComparison(model::Job& job, const model::Task& task, std::int64_t room_tokens);

}  // namespace llmbatch::workflows
