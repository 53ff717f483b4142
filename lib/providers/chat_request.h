// ChatRequest and Completion: one question to a model and its answer, in no provider's words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/usage.h"

namespace llmbatch::providers {

enum class Role { kUser, kAssistant };

struct Message {
  Role role = Role::kUser;
  std::string text;  // UTF-8
};

struct ChatRequest {
  std::string model;
  std::string system;  // empty: none
  std::vector<Message> messages;
  std::int64_t max_output_tokens = 0;  // 0: the provider's own limit
  std::string response_schema_json;    // of the whole answer; empty: none
  bool stream = false;                 // the answer is to come in pieces
  std::string parameters_json;         // members of the provider's request as they are; empty: none
};

struct Completion {
  enum class FinishReason { kStop, kLength, kContentFilter, kToolCalls, kUnknown };

  std::string text;  // may be empty with any finish reason
  FinishReason finish_reason = FinishReason::kUnknown;
  bool refused = false;               // the model said that it will not answer
  std::optional<model::Usage> usage;  // nullopt: not told, or nonsense
  std::string model;                  // as the provider names it; empty: not told
  std::string tier;                   // that served it, as price lists have it; empty: not told
  std::string request_id;             // the provider's, fit for logs; empty: not told
};

struct NamedFinishReason {
  std::string_view name;  // the provider's
  Completion::FinishReason reason;
};
// kUnknown: that name isn't among them.
Completion::FinishReason FinishReasonOf(std::string_view name,
                                        std::span<const NamedFinishReason> names);

}  // namespace llmbatch::providers
