// What a job would need, reckoned without a call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "model/money.h"

namespace llmbatch::ctl {

struct Plan {
  std::string job_id;
  std::string workflow;
  std::int64_t steps = 0;      // questions to the model
  std::int64_t batches = 0;    // calls, if none has to be repeated
  std::int64_t rounds = 0;     // that follow one another
  std::int64_t too_large = 0;  // steps that no prompt has room for; they fail
  std::int64_t input_tokens = 0;
  std::int64_t least_output_tokens = 0;
  std::int64_t most_output_tokens = 0;
  std::optional<model::NanoUsd> least_cost;  // nullopt: a model without a price
  std::optional<model::NanoUsd> most_cost;
  base::Duration duration{};
};

// Goes through the job of `message` as its workflow would, as if each call were answered after
// `call_time`, at the prices of `at`. Prompts are estimated as the daemon does before it has learnt
// anything; an answer has at least kLeastAnswerTokens a step and at most the task's
// max_output_tokens. The error names the field, as the dead letter would.
inline constexpr std::int64_t kLeastAnswerTokens = 20;
base::Result<Plan> PlanOf(const std::string& message, const config::Config& config,
                          base::Duration call_time, base::WallTime at);

// For people, with line ends.
std::string TextOf(const Plan& plan);
std::string JsonOf(const Plan& plan);

}  // namespace llmbatch::ctl
