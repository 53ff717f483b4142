#include "twin/items.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

// Each wrong start may cost a pass over the rest of the prompt; together they cost no more than
// this.
constexpr std::size_t kMaxScannedBytes = 64 << 20;

std::string HashKey(std::string_view text) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(HashText(text)));
  return digits;
}

std::optional<std::string> NamedKey(const JsonValue& input) {
  for (const char* name : {"id", "key"}) {
    const JsonValue* value = Find(input, name);
    if (value == nullptr) continue;
    if (value->IsString()) return std::string(TextOf(*value));
    if (value->IsNumber()) return ToJson(*value);
  }
  return std::nullopt;
}

std::optional<Item> ReadItem(const JsonValue& object) {
  const JsonValue* id = Find(object, "id");
  if (id == nullptr || !id->IsString()) return std::nullopt;
  Item item{.id = std::string(TextOf(*id)), .key = {}, .text = {}};
  if (const JsonValue* input = Find(object, "input")) {
    item.text = input->IsString() ? std::string(TextOf(*input)) : ToJson(*input);
    if (auto key = NamedKey(*input)) item.key = *std::move(key);
  } else if (const JsonValue* text = Find(object, "text"); text != nullptr && text->IsString()) {
    item.text = TextOf(*text);
  } else {
    return std::nullopt;
  }
  if (item.key.empty()) item.key = HashKey(item.text);
  return item;
}

std::vector<Item> ReadItems(const JsonValue& array) {
  std::vector<Item> items;
  if (!array.IsArray() || array.Size() > kMaxItemsPerPrompt) return items;
  items.reserve(array.Size());
  for (const JsonValue& element : array.GetArray()) {
    auto item = ReadItem(element);
    if (!item) return {};
    items.push_back(*std::move(item));
  }
  return items;
}

bool MayBeginItems(std::string_view text) {
  const auto next = text.find_first_not_of(" \t\r\n", 1);
  return next != std::string_view::npos && text[next] == '{';
}

}  // namespace

std::vector<Item> FindItems(std::string_view prompt) {
  std::size_t wrong_starts_left = kMaxScannedBytes / std::max<std::size_t>(prompt.size(), 1) + 1;
  std::size_t at = prompt.find('[');
  while (at != std::string_view::npos && wrong_starts_left > 0) {
    const std::string_view rest = prompt.substr(at);
    std::size_t step = 1;
    if (MayBeginItems(rest)) {
      const auto length = BalancedLength(rest);
      auto array = length ? ParseJson(rest.substr(0, *length))
                          : base::Result<rapidjson::Document>(base::Invalid("no end"));
      if (!array) {
        --wrong_starts_left;
      } else if (auto items = ReadItems(*array); !items.empty()) {
        return items;
      } else {
        step = *length;
      }
    }
    at = prompt.find('[', at + step);
  }
  return {};
}

}  // namespace llmbatch::twin
