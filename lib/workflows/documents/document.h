// Document: a text of a job with a name, and how many tokens it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json/object_reader.h"
#include "json/value.h"

namespace llmbatch::workflows {

inline constexpr std::size_t kMaxDocuments = 1'000;

struct Document {
  std::string id;
  std::string text;
};

// Reads {"id", "text"}. A document by reference is refused.
Document ReadDocument(json::Value value, const std::string& path, json::ObjectReader& job);
// Reads the member `name`, a list of documents with different ids.
std::vector<Document> ReadDocuments(json::ObjectReader& job, std::string_view name);

// As it stands in a prompt, quoted; estimated.
std::int64_t TokensOf(std::string_view text);

}  // namespace llmbatch::workflows
