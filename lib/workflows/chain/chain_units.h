// Workflow `chain` over units: a long output in batches, each of which goes on where the one before
// ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/job.h"
#include "model/task.h"
#include "workflows/chain/chain_request.h"
#include "workflows/chain/conversation.h"
#include "workflows/registry.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

// One step at a time. How many units it asks for is lowered when the size of those that came says
// that they would not fit into an answer. A batch that was cut off all the same is asked again in
// halves; what an answer lacks is asked next; what can't be had gets the task's fallback.
class ChainUnits : public Workflow {
 public:
  ChainUnits(ChainRequest request, const model::Task& task);

  Steps Begin() override;
  Steps OnOutcome(std::size_t step, model::ItemResult result) override;
  jobs::Standing standing() const override;
  bool done() const override { return next_unit_ > request_.total_units; }
  jobs::Ending End(const jobs::Totals& totals, const model::ItemError& unfinished) override;

 private:
  Steps Ask(std::int64_t count);
  std::int64_t PlannedUnits() const;
  model::ItemInput InputOf(std::int64_t count, bool with_window) const;
  // The leading units of an answer that can be used.
  std::vector<std::string> UnitsOf(const std::string& output_json) const;
  void Take(const std::vector<std::string>& units, const model::ItemOutcome& outcome);
  void GiveUp(const model::ItemOutcome& outcome);
  void Learn(const model::ItemOutcome& outcome, std::size_t units);

  ChainRequest request_;
  std::int64_t max_output_tokens_;
  std::string fallback_json_;
  Conversation conversation_;

  std::int64_t next_unit_ = 1;
  std::int64_t asked_ = 0;    // units of the open step
  std::string question_;      // of the open step
  bool asked_again_ = false;  // the open step is the second try of its units
  double tokens_per_unit_ = 0;

  std::vector<std::string> results_;  // JSON, one a unit
  std::vector<std::string> outline_;  // JSON, what each unit begins with
  std::string last_unit_;             // JSON; empty: none, or a fallback
  model::ItemCounts counts_;
  std::int64_t fallbacks_ = 0;
  std::int64_t batches_ = 0;
};

Made MakeChain(model::Job& job, const model::Task& task, std::int64_t room_tokens);

}  // namespace llmbatch::workflows
