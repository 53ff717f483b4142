// The own members of a job of workflow `comparison`.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "json/value.h"
#include "wire/request.h"
#include "workflows/documents/document.h"

namespace llmbatch::workflows {

struct ComparisonRequest {
  Document standard;
  std::vector<Document> candidates;  // never empty
  std::string mode;                  // clauses | full: what the prompt is told
  bool force_batch = false;
};

std::variant<ComparisonRequest, wire::Malformed> ReadComparisonRequest(json::Value job);

}  // namespace llmbatch::workflows
