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
  if (reader.Any("model_selection"))
    reader.Fail("model_selection", "is not supported: name a task with another route");
  request.force_batch = reader.OptionalBool("force_batch").value_or(false);
  if (!reader.ok()) return wire::MalformedBy(reader);
  return request;
}

}  // namespace llmbatch::workflows
