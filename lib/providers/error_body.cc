#include "providers/error_body.h"

#include <algorithm>

#include "base/utf8.h"

namespace llmbatch::providers {
namespace {

// An error page can be long; what names the error stands at its begin.
constexpr std::size_t kMaxErrorBytes = 256U << 10;
constexpr std::size_t kMaxMessageBytes = 4096;
constexpr std::size_t kMaxNameLength = 64;

std::string TextOf(json::Value object, std::string_view name) {
  const auto member = object.Find(name);
  if (!member) return {};
  if (member->is(json::Kind::kString)) {
    return std::string(base::TruncateUtf8(member->AsString(), kMaxMessageBytes));
  }
  if (member->is(json::Kind::kNumber)) return std::string(member->AsNumberText());
  return {};
}

std::string InnerCodeOf(json::Value error) {
  for (const char* name : {"innererror", "inner_error"}) {
    if (const auto inner = error.Find(name)) {
      std::string code = TextOf(*inner, "code");
      if (!code.empty()) return code;
    }
  }
  return {};
}

ErrorBody ReadError(json::Value error) {
  return {.type = TextOf(error, "type"),
          .code = TextOf(error, "code"),
          .inner_code = InnerCodeOf(error),
          .param = TextOf(error, "param"),
          .message = TextOf(error, "message")};
}

}  // namespace

std::optional<ErrorBody> FindError(json::Value root) {
  const auto error = root.Find("error");
  if (error && error->is(json::Kind::kObject)) return ReadError(*error);
  if (error && error->is(json::Kind::kString)) return ErrorBody{.message = TextOf(root, "error")};
  if (error && !error->is(json::Kind::kNull)) return ErrorBody{};
  if (TextOf(root, "object") == "error") return ReadError(root);
  return std::nullopt;
}

std::optional<ErrorBody> ParseErrorBody(std::string_view body) {
  if (body.size() > kMaxErrorBytes) return std::nullopt;
  const auto document = json::Document::Parse(body, kBodyLimits);
  if (!document) return std::nullopt;
  return FindError(document->root());
}

bool IsName(std::string_view text) {
  constexpr std::string_view kMarks = "_.-[]";
  return !text.empty() && text.size() <= kMaxNameLength &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kMarks.find(c) != std::string_view::npos;
         });
}

}  // namespace llmbatch::providers
