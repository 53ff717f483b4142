// The own members of a job of workflow `query`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "json/value.h"
#include "wire/request.h"
#include "workflows/documents/document.h"

namespace llmbatch::workflows {

inline constexpr std::size_t kMaxQuestionCodePoints = 10'000;

struct QueryRequest {
  std::string question;
  std::vector<Document> documents;               // never empty
  std::optional<std::int64_t> estimated_tokens;  // what the user thinks
  bool force_batch = false;
};

std::variant<QueryRequest, wire::Malformed> ReadQueryRequest(json::Value job);

}  // namespace llmbatch::workflows
