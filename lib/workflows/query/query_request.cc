#include "workflows/query/query_request.h"

#include "json/object_reader.h"

namespace llmbatch::workflows {

std::variant<QueryRequest, wire::Malformed> ReadQueryRequest(json::Value job) {
  QueryRequest request;
  json::ObjectReader reader(job, "");
  request.question =
      reader.String("question", {.min_code_points = 1, .max_code_points = kMaxQuestionCodePoints});
  request.documents = ReadDocuments(reader, "documents");
  request.estimated_tokens = reader.OptionalInt("estimated_tokens", {.min = 0});
  request.force_batch = reader.OptionalBool("force_batch").value_or(false);
  if (!reader.ok()) return wire::MalformedBy(reader);
  return request;
}

}  // namespace llmbatch::workflows
