// Workflow `classification`: many sessions, classified with names that they share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/job.h"
#include "model/task.h"
#include "workflows/classification/catalogue.h"
#include "workflows/classification/classification_request.h"
#include "workflows/classification/expense.h"
#include "workflows/classification/resolution.h"
#include "workflows/classification/streams.h"
#include "workflows/registry.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

// The kind of step that finds names with the same meaning.
inline constexpr std::string_view kResolveStep = "resolve";

// Discovery: a diverse sample, call after call, each of which is told the names found so far.
// Rounds: the rest in parallel streams, which are all told the same names and meet after each
// round. Conflicts: names that mean the same become one.
class ClassificationWorkflow : public Workflow {
 public:
  ClassificationWorkflow(ClassificationRequest request, const model::Task& task);

  Steps Begin() override;
  std::vector<Reference> references() const override;
  Steps OnFetched(std::size_t reference, Fetched&& fetched) override;
  Steps OnOutcome(std::size_t step, model::ItemResult result) override;
  jobs::Standing standing() const override;
  bool done() const override { return phase_ == Phase::kDone; }
  jobs::Ending End(const jobs::Totals& totals, const model::ItemError& unfinished) override;

 private:
  enum class Phase { kDiscovery, kRounds, kConflicts, kDone };

  struct Answer {
    int tries = 0;  // calls that were made for it, however often they were repeated
    bool final = false;
    model::ItemOutcome outcome;
    Facts facts;
  };
  // What a step is about: a session, or a kind of classifications.
  struct Asked {
    bool is_session = true;
    std::size_t subject = 0;
    std::size_t stream = 0;
  };

  // All sessions are there.
  void Prepare();
  // What all steps are made of besides the message.
  std::vector<std::size_t> StepReferences() const;
  Steps Ask(const std::vector<Streams::Hand>& hands, const std::string& company);
  Steps Discover();
  Steps NextRound();
  Steps ResolveConflicts();
  Steps Next();
  void Take(const Asked& asked, model::ItemOutcome outcome);
  // All sessions of a round are in.
  void Synchronise();
  void DealAgain();
  // A call for it failed as a whole, and another one may do better.
  bool MayTryAgain(const Answer& answer, const model::ItemOutcome& outcome) const;
  void TakeResolutions(std::size_t kind, const model::ItemOutcome& outcome);
  void MapNames();
  std::string ResultOf(std::size_t session, const model::ItemError& unfinished) const;
  std::vector<model::SummaryMember> Summary() const;
  std::string Stats() const;

  ClassificationRequest request_;
  std::size_t known_bytes_;  // of the names that a call is told
  Phase phase_ = Phase::kDiscovery;
  std::vector<Answer> answers_;  // one a session
  std::vector<std::size_t> sample_;
  std::size_t discovered_ = 0;  // of the sample, asked
  Streams streams_;
  std::vector<Asked> asked_;  // one a step
  std::size_t open_ = 0;      // steps without an outcome
  Catalogue catalogue_;
  std::string base_json_;  // the names after discovery
  std::int64_t base_names_ = 0;
  std::int64_t done_by_discovery_ = 0;
  model::ItemCounts counts_;
  std::int64_t fallbacks_ = 0;
  std::int64_t retries_ = 0;  // sessions dealt again
  std::optional<model::ItemError> first_error_;

  // Of the round under way.
  std::set<std::size_t> failed_;                  // streams
  std::vector<std::size_t> again_;                // sessions to be dealt again
  std::map<std::size_t, Expense> round_expense_;  // by stream

  std::int64_t sync_points_ = 0;
  double utilisation_sum_ = 0;  // over rounds
  Expense discovery_expense_, rounds_expense_, conflicts_expense_;
  std::vector<Expense> stream_expenses_;
  std::vector<std::int64_t> stream_sessions_;

  std::array<std::vector<std::string>, kClassificationKindCount> unique_;
  std::array<std::vector<Resolution>, kClassificationKindCount> resolutions_;
  std::int64_t conflicts_asked_ = 0;
  std::int64_t conflicts_answered_ = 0;
  std::int64_t conflicts_unanswered_ = 0;  // kinds whose names could not be compared
  std::int64_t conflicts_found_ = 0;
};

Made MakeClassification(model::Job& job, const model::Task& task, std::int64_t room_tokens);

}  // namespace llmbatch::workflows
