#include "workflows/fields/extraction.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <utility>

#include "json/writer.h"

namespace llmbatch::workflows {
namespace {

using json::Kind;
using json::Value;

bool HasContent(Value value) {
  return !value.is(Kind::kNull) && !(value.is(Kind::kString) && value.AsString().empty());
}

bool IsScalar(Value value) { return !value.is(Kind::kObject) && !value.is(Kind::kArray); }

std::string Unescaped(std::string_view token) {
  std::string name;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const std::string_view escape = token.substr(i, 2);
    const bool is_escape = escape == "~0" || escape == "~1";
    if (is_escape) {
      name += escape == "~0" ? '~' : '/';
      ++i;
    } else {
      name += token[i];
    }
  }
  return name;
}

std::optional<Value> Child(Value value, std::string_view token) {
  if (value.is(Kind::kObject)) return value.Find(Unescaped(token));
  if (!value.is(Kind::kArray)) return std::nullopt;
  std::size_t index = 0;
  const char* end = token.data() + token.size();
  const auto [at, error] = std::from_chars(token.data(), end, index);
  const bool leading_zero = token.size() > 1 && token.front() == '0';
  if (error != std::errc() || at != end || leading_zero || index >= value.size())
    return std::nullopt;
  return value.At(index);
}

// The values within `root` and itself, the least nested first.
template <typename Visit>
void Walk(Value root, Visit visit) {
  std::deque<Value> open{root};
  while (!open.empty()) {
    const Value value = open.front();
    open.pop_front();
    if (visit(value)) return;
    for (std::size_t i = 0; i < value.size() && value.is(Kind::kArray); ++i)
      open.push_back(value.At(i));
    for (std::size_t i = 0; i < value.size() && value.is(Kind::kObject); ++i)
      open.push_back(value.MemberAt(i).value);
  }
}

std::optional<std::string> FindPattern(Value root, const Pattern& pattern) {
  std::optional<std::string> found;
  Walk(root, [&](Value value) {
    if (value.is(Kind::kString)) found = pattern.Find(value.AsString());
    if (value.is(Kind::kNumber)) found = pattern.Find(value.AsNumberText());
    return found.has_value();
  });
  if (!found || found->empty()) return std::nullopt;
  return json::Quote(*found);
}

// What of a name counts: letters and digits, in lower case where they are ASCII.
std::string Core(std::string_view name) {
  std::string core;
  for (const char byte : name) {
    const bool upper = byte >= 'A' && byte <= 'Z';
    const bool kept = upper || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
                      static_cast<unsigned char>(byte) >= 0x80;
    if (kept) core += upper ? static_cast<char>(byte - 'A' + 'a') : byte;
  }
  return core;
}

std::optional<std::string> FindNamed(Value root, std::string_view name) {
  const std::string core = Core(name);
  if (core.empty()) return std::nullopt;
  std::optional<std::string> found;
  Walk(root, [&](Value value) {
    for (std::size_t i = 0; i < value.size() && value.is(Kind::kObject); ++i) {
      const json::Member member = value.MemberAt(i);
      if (!IsScalar(member.value) || !HasContent(member.value) || Core(member.name) != core)
        continue;
      found = member.value.ToJson();
      return true;
    }
    return false;
  });
  return found;
}

std::optional<std::string> ExtractByPlace(const Field& field, Value user_data) {
  const auto place =
      field.pointer.empty() ? std::optional(user_data) : Resolve(user_data, field.pointer);
  if (!place || !HasContent(*place)) return std::nullopt;
  return field.pattern ? FindPattern(*place, *field.pattern) : place->ToJson();
}

}  // namespace

base::Result<std::vector<ExtractRule>> CompileRules(const std::vector<model::ExtractRule>& rules) {
  std::vector<ExtractRule> compiled;
  for (const model::ExtractRule& rule : rules) {
    auto label = Pattern::Compile(rule.label_pattern, Pattern::Case::kIgnored);
    if (!label) return base::Invalid(rule.label_pattern + ": " + label.error().message);
    if (!rule.pointer.starts_with('/')) {
      return base::Invalid(rule.label_pattern + ": the pointer must begin with a slash");
    }
    compiled.push_back({.label = *std::move(label), .pointer = rule.pointer});
  }
  return compiled;
}

std::optional<Value> Resolve(Value root, std::string_view pointer) {
  std::optional<Value> value = root;
  while (value && !pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    value = Child(*value, pointer.substr(0, end));
    pointer.remove_prefix(end);
  }
  return value;
}

std::optional<std::string> Extract(const Field& field, Value user_data,
                                   std::span<const ExtractRule> rules) {
  if (field.strategy == Field::Strategy::kGenerate) return std::nullopt;
  if (!field.pointer.empty() || field.pattern) return ExtractByPlace(field, user_data);
  for (const ExtractRule& rule : rules) {
    if (!rule.label.MatchesWhole(field.label)) continue;
    const auto value = Resolve(user_data, rule.pointer);
    if (value && HasContent(*value)) return value->ToJson();
  }
  auto found = FindNamed(user_data, field.id);
  return found ? found : FindNamed(user_data, field.label);
}

}  // namespace llmbatch::workflows
