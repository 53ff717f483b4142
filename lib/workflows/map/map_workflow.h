// Workflow `map`: every item on its own; the job is complete when each has a result. The items are
// in the job's message, in a document that it names, or come in messages of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/job.h"
#include "model/task.h"
#include "workflows/registry.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

class MapWorkflow : public Workflow {
 public:
  // REQUIRES: at least one item
  explicit MapWorkflow(std::vector<model::Item> items);
  // For items that follow. REQUIRES: item_count > 0
  explicit MapWorkflow(std::int64_t item_count);

  // For items that are elsewhere.
  explicit MapWorkflow(model::DocumentPlace items_place);

  Steps Begin() override;
  std::vector<Reference> references() const override;
  Steps OnFetched(std::size_t reference, Fetched&& fetched) override;
  Steps OnOutcome(std::size_t step, model::ItemResult result) override;
  jobs::Standing standing() const override;
  bool done() const override { return !lacks_items_ && counts_.done == counts_.total; }
  jobs::Ending End(const jobs::Totals& totals, const model::ItemError& unfinished) override;
  std::int64_t awaited_items() const override { return awaited_; }
  bool publishes_steps() const override { return true; }

 private:
  struct Answered {
    std::int64_t offset = 0;  // of the item's message
    std::string json;         // empty: none yet
  };

  std::optional<model::DocumentPlace> items_place_;
  bool lacks_items_ = false;        // they are being fetched
  std::vector<model::Item> items_;  // until they are asked
  std::int64_t awaited_ = 0;
  std::vector<Answered> results_;
  model::ItemCounts counts_;
  std::int64_t generated_ = 0;
  std::optional<model::ItemError> first_error_;
};

Made MakeMap(model::Job& job, const model::Task& task, std::int64_t room_tokens);

}  // namespace llmbatch::workflows
