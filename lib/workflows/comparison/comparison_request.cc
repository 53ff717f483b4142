#include "workflows/comparison/comparison_request.h"

#include "json/object_reader.h"

namespace llmbatch::workflows {

std::variant<ComparisonRequest, wire::Malformed> ReadComparisonRequest(json::Value job) {
  ComparisonRequest request;
  json::ObjectReader reader(job, "");
  if (const auto standard = reader.Required("standard", json::Kind::kObject))
    request.standard = ReadDocument(*standard, "standard", reader);
  request.candidates = ReadDocuments(reader, "candidates");
  request.mode = reader.OptionalString("mode").value_or("clauses");
  if (reader.ok() && request.mode != "clauses" && request.mode != "full")
    reader.Fail("mode", "must be clauses or full");
  request.force_batch = reader.OptionalBool("force_batch").value_or(false);
  if (!reader.ok()) return wire::MalformedBy(reader);
  return request;
}

}  // namespace llmbatch::workflows
