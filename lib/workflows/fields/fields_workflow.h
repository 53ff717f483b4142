// Workflow `fields`: the fields of one form, filled in parallel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/job.h"
#include "model/task.h"
#include "workflows/fields/extraction.h"
#include "workflows/fields/fields_request.h"
#include "workflows/registry.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

// What stands in the user's data is extracted at once. All other fields are asked together, so that
// the ledger is looked up once, one field a call, at most max_parallel calls at a time.
class FieldsWorkflow : public Workflow {
 public:
  FieldsWorkflow(FieldsRequest request, const std::vector<ExtractRule>& rules);

  Steps Begin() override;
  Steps OnOutcome(std::size_t step, model::ItemResult result) override;
  jobs::Standing standing() const override;
  bool done() const override { return counts_.done == counts_.total; }
  jobs::Ending End(const jobs::Totals& totals, const model::ItemError& unfinished) override;
  std::int64_t max_parallel() const override { return request_.max_parallel; }

 private:
  model::ItemInput InputOf(const Field& field) const;
  void Finish(std::size_t field, const model::ItemOutcome& outcome);

  FieldsRequest request_;
  std::vector<std::size_t> asked_;    // the field of each step
  std::vector<std::string> results_;  // JSON; empty: none yet
  model::ItemCounts counts_;
  std::int64_t extracted_ = 0;
  std::int64_t generated_ = 0;
  base::Duration call_time_{};  // of all calls that answered
};

// Malformed also if asking for all fields would take more memory than kMaxFieldsInputBytes.
inline constexpr std::size_t kMaxFieldsInputBytes = std::size_t{32} << 20;
Made MakeFields(model::Job& job, const model::Task& task, std::int64_t room_tokens);

}  // namespace llmbatch::workflows
