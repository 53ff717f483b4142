// Workflow `chain` over given prompts: one after the other, in one conversation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/task.h"
#include "workflows/chain/chain_request.h"
#include "workflows/chain/conversation.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

// One step at a time; each sees the answers before it. A prompt that gets no answer is left out of
// the conversation, and the chain goes on.
class ChainPrompts : public Workflow {
 public:
  // REQUIRES: at least one prompt
  ChainPrompts(ChainRequest request, const model::Task& task);

  Steps Begin() override { return Ask(); }
  Steps OnOutcome(std::size_t step, model::ItemResult result) override;
  jobs::Standing standing() const override;
  bool done() const override { return results_.size() == request_.prompts.size(); }
  jobs::Ending End(const jobs::Totals& totals, const model::ItemError& unfinished) override;

 private:
  Steps Ask() const;

  ChainRequest request_;
  Conversation conversation_;
  std::vector<std::string> results_;  // JSON, one a prompt
  model::ItemCounts counts_;
  std::optional<model::ItemError> first_error_;
};

}  // namespace llmbatch::workflows
