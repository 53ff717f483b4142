// Reading JSON from outside within limits, and the few look-ups that the twin needs.
#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace llmbatch::twin {

using JsonValue = rapidjson::Value;
using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

// Values nest at most this deep, so that walking them recursively is safe.
inline constexpr std::size_t kMaxJsonDepth = 64;

// Length of the object or array that `text` begins with, strings respected; nullopt if it doesn't
// begin with one, has no end, or nests deeper than kMaxJsonDepth. What is inside need not be JSON.
std::optional<std::size_t> BalancedLength(std::string_view text);

// Reads an object or an array with nothing but white space around it.
base::Result<rapidjson::Document> ParseJson(std::string_view text);

// The member of that name, or nullptr if `value` is no object or has none.
const JsonValue* Find(const JsonValue& value, const char* name);
// REQUIRES: value.IsString()
std::string_view TextOf(const JsonValue& value);
std::string ToJson(const JsonValue& value);

// Writes `text` as a JSON string.
void WriteText(JsonWriter& writer, std::string_view text);
// Takes what a writer put into `buffer`.
std::string TakeText(const rapidjson::StringBuffer& buffer);

// FNV-1a, 64 bits. `seed` lets one text give several independent values.
std::uint64_t HashText(std::string_view text, std::uint64_t seed = 0);

}  // namespace llmbatch::twin
