#include "workflows/documents/document.h"

#include <unordered_set>

#include "json/writer.h"
#include "tokens/estimator.h"
#include "wire/reference.h"
#include "wire/request.h"

namespace llmbatch::workflows {
namespace {

using json::Kind;
using json::ObjectReader;

}  // namespace

Document ReadDocument(json::Value value, const std::string& path, ObjectReader& job) {
  ObjectReader reader(value, path);
  Document document;
  document.id = reader.String("id", wire::kIdLimits);
  if (reader.Any("ref")) {
    if (reader.Any("text")) reader.Fail("ref", "there is a text already");
    document.place = wire::ReadPlace(reader, "ref");
  } else {
    document.text = reader.String("text", {.min_code_points = 1});
  }
  if (!reader.ok()) {
    // The path is in the message already.
    const std::string& message = reader.error()->message;
    const std::size_t colon = message.find(": ");
    job.Fail(message.substr(0, colon), message.substr(colon + 2));
  }
  return document;
}

std::vector<Document> ReadDocuments(ObjectReader& job, std::string_view name) {
  std::vector<Document> documents;
  const auto list = job.Required(name, Kind::kArray);
  if (!list) return documents;
  if (list->size() < 1 || list->size() > kMaxDocuments) {
    job.Fail(name, "must have from 1 to " + std::to_string(kMaxDocuments) + " elements");
    return documents;
  }
  std::unordered_set<std::string> ids;
  for (std::size_t i = 0; i < list->size() && job.ok(); ++i) {
    const std::string path = std::string(name) + "[" + std::to_string(i) + "]";
    documents.push_back(ReadDocument(list->At(i), path, job));
    if (job.ok() && !ids.insert(documents.back().id).second)
      job.Fail(path + ".id", "the same as that of a document before");
  }
  return documents;
}

Reference ReferenceTo(const Document& document, const std::string& field) {
  return {.field = field + ".ref", .document_id = document.id, .place = document.place.value()};
}

std::int64_t TokensOf(std::string_view text) {
  return tokens::EstimateTokens(json::Quote(text), tokens::Method::kClasses,
                                tokens::Family::kO200k);
}

}  // namespace llmbatch::workflows
