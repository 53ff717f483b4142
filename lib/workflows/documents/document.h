// Document: a text of a job with a name, or where the text is, and how many tokens it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/object_reader.h"
#include "json/value.h"
#include "model/document_place.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

inline constexpr std::size_t kMaxDocuments = 1'000;

struct Document {
  std::string id;
  std::string text;
  // Set: the text isn't in the message, and empty until it has been fetched.
  std::optional<model::DocumentPlace> place{};
};

// Reads {"id", "text"} or {"id", "ref"}; a reference is "redis:NAME" or an https URL.
Document ReadDocument(json::Value value, const std::string& path, json::ObjectReader& job);
// Reads the member `name`, a list of documents with different ids.
std::vector<Document> ReadDocuments(json::ObjectReader& job, std::string_view name);

// How errors name the document that the member `field` gives. REQUIRES: document.place
Reference ReferenceTo(const Document& document, const std::string& field);

// As it stands in a prompt, quoted; estimated.
std::int64_t TokensOf(std::string_view text);

}  // namespace llmbatch::workflows
