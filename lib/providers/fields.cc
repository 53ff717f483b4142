#include "providers/fields.h"

#include <algorithm>

#include "providers/error_body.h"
#include "providers/headers.h"

namespace llmbatch::providers {
namespace {

using json::Kind;
using json::Value;

// More tokens than any call has: such a figure is nonsense and would break sums.
constexpr std::int64_t kMaxUsageTokens = 1'000'000'000'000;

}  // namespace

std::string StringAt(Value object, std::string_view name) {
  const auto member = object.Find(name);
  return member && member->is(Kind::kString) ? std::string(member->AsString()) : std::string();
}

std::optional<Value> ArrayAt(Value object, std::string_view name) {
  const auto member = object.Find(name);
  return member && member->is(Kind::kArray) ? member : std::nullopt;
}

std::optional<std::int64_t> TokensAt(Value object, std::string_view name) {
  const auto member = object.Find(name);
  if (!member || !member->is(Kind::kNumber)) return std::nullopt;
  const auto tokens = member->AsInt64();
  if (!tokens || *tokens < 0 || *tokens > kMaxUsageTokens) return std::nullopt;
  return tokens;
}

std::optional<std::int64_t> TokensOrZeroAt(Value object, std::string_view name) {
  const auto member = object.Find(name);
  if (!member || member->is(Kind::kNull)) return 0;
  return TokensAt(object, name);
}

std::int64_t PartAt(Value usage, std::string_view details, std::string_view name,
                    std::int64_t whole) {
  const auto object = usage.Find(details);
  return object ? std::min(TokensAt(*object, name).value_or(0), whole) : 0;
}

std::string ReadRequestId(const ports::HttpResponse& response, std::string_view header, Value root,
                          std::string_view member) {
  const auto value = FindHeader(response.headers, header);
  if (value && IsName(*value)) return std::string(*value);
  std::string id = StringAt(root, member);
  return IsName(id) ? id : std::string();
}

}  // namespace llmbatch::providers
