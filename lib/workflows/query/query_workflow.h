// Workflow `query`: one question to several documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/job.h"
#include "model/task.h"
#include "workflows/documents/background.h"
#include "workflows/query/query_request.h"
#include "workflows/registry.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

// All documents in one step if a prompt has room for them; else in several, split at the ends of
// paragraphs, and a last step makes one answer of theirs. Quotations are looked for in the
// documents.
class QueryWorkflow : public Workflow {
 public:
  // `room_tokens`: what one prompt has for documents.
  QueryWorkflow(QueryRequest request, std::int64_t room_tokens);

  Steps Begin() override;
  std::vector<Reference> references() const override;
  Steps OnFetched(std::size_t reference, Fetched&& fetched) override;
  Steps OnOutcome(std::size_t step, model::ItemResult result) override;
  jobs::Standing standing() const override;
  bool done() const override { return outcome_.has_value(); }
  jobs::Ending End(const jobs::Totals& totals, const model::ItemError& unfinished) override;
  // Known when all documents are there.
  bool real_time() const override { return mode_ && !mode_->batch; }

  // Why what is there can't be asked; nullopt: it can, or something is yet to be fetched.
  std::optional<std::string> TooLong() const;

 private:
  // A document, or a part of it.
  struct Piece {
    std::size_t document = 0;
    std::size_t part = 0;
    std::size_t parts = 1;
    std::string text;
  };
  using Group = std::vector<Piece>;  // what one prompt is told

  // Divides the documents: now all are there.
  void Plan();
  Steps Ask();
  void Fail(model::ItemError error);
  void NoteRetrieved();
  std::vector<std::size_t> ReferencesOf(const Group& group) const;
  std::vector<Piece> Pieces(std::int64_t room_tokens) const;
  Step StepOf(std::size_t group) const;
  Step Merge() const;
  void Finish(model::ItemOutcome outcome);

  QueryRequest request_;
  std::int64_t room_tokens_;
  std::vector<std::size_t> elsewhere_;  // documents by reference, by their places
  std::size_t retrieved_ = 0;           // documents that are there
  std::optional<BatchMode> mode_;       // nullopt: something is yet to be fetched
  std::vector<Group> groups_;
  std::vector<model::ItemOutcome> outcomes_;  // one a group
  std::size_t open_ = 0;
  std::optional<model::ItemOutcome> outcome_;
  std::vector<jobs::Stage> stages_;
  std::int64_t answered_groups_ = 0;
};

// Malformed also if the documents need more than kMaxQueryGroups prompts. If that shows only when
// all have been fetched, the job fails.
inline constexpr std::size_t kMaxQueryGroups = 2'000;
Made MakeQuery(model::Job& job, const model::Task& task, std::int64_t room_tokens);

}  // namespace llmbatch::workflows
