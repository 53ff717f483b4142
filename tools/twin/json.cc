#include "twin/json.h"

#include <rapidjson/memorystream.h>

namespace llmbatch::twin {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const auto begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

// Position of the quote that ends the string beginning at `begin`, or npos.
std::size_t EndOfString(std::string_view text, std::size_t begin) {
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<std::size_t> BalancedLength(std::string_view text) {
  if (text.empty() || (text.front() != '{' && text.front() != '[')) return std::nullopt;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '{':
      case '[':
        if (++depth > kMaxJsonDepth) return std::nullopt;
        break;
      case '}':
      case ']':
        if (--depth == 0) return i + 1;
        break;
      case '"':
        i = EndOfString(text, i);
        if (i == std::string_view::npos) return std::nullopt;
        break;
      default:
        break;
    }
  }
  return std::nullopt;
}

base::Result<rapidjson::Document> ParseJson(std::string_view text) {
  const std::string_view value = Trim(text);
  if (BalancedLength(value) != value.size()) {
    return base::Invalid("not a JSON object or array, or nested too deeply");
  }
  rapidjson::Document document;
  rapidjson::MemoryStream stream(value.data(), value.size());
  document.ParseStream<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag,
                       rapidjson::UTF8<>>(stream);
  if (document.HasParseError()) {
    return base::Invalid("not JSON, at byte " + std::to_string(document.GetErrorOffset()));
  }
  return document;
}

const JsonValue* Find(const JsonValue& value, const char* name) {
  if (!value.IsObject()) return nullptr;
  const auto member = value.FindMember(name);
  return member == value.MemberEnd() ? nullptr : &member->value;
}

std::string_view TextOf(const JsonValue& value) {
  return {value.GetString(), value.GetStringLength()};
}

std::string ToJson(const JsonValue& value) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  value.Accept(writer);
  return TakeText(buffer);
}

void WriteText(JsonWriter& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

std::string TakeText(const rapidjson::StringBuffer& buffer) {
  return std::string(buffer.GetString(), buffer.GetSize());
}

std::uint64_t HashText(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325U ^ seed;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}

}  // namespace llmbatch::twin
