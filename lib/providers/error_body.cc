#include "providers/error_body.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace llmbatch::providers {
namespace {

// An error page can be long; what names the error stands at its begin.
constexpr std::size_t kMaxErrorBytes = 256U << 10;
constexpr std::size_t kMaxMessageBytes = 4096;
constexpr std::size_t kMaxNameLength = 64;
constexpr std::size_t kMaxDetails = 16;

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
  for (const auto& [member, code_name] :
       {std::pair("innererror", "code"), {"inner_error", "code"}, {"details", "error_code"}}) {
    if (const auto inner = error.Find(member)) {
      std::string code = TextOf(*inner, code_name);
      if (!code.empty()) return code;
    }
  }
  return {};
}

// "…, limit: 0, …" but not "limit: 0.5" or "limit: 05".
bool HasLimitOfZero(std::string_view message) {
  constexpr std::string_view kPhrase = "limit: 0";
  const std::size_t found = message.find(kPhrase);
  if (found == std::string_view::npos) return false;
  const std::string_view rest = message.substr(found + kPhrase.size(), 2);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (rest.empty()) return true;
  return !is_digit(rest.front()) && !(rest.front() == '.' && rest.size() > 1 && is_digit(rest[1]));
}

bool HasDailyQuota(json::Value detail) {
  const auto violations = detail.Find("violations");
  if (!violations || !violations->is(json::Kind::kArray)) return false;
  for (std::size_t i = 0; i < violations->size(); ++i) {
    if (TextOf(violations->At(i), "quotaId").find("PerDay") != std::string::npos) return true;
  }
  return false;
}

// The details of Google's APIs: a list of objects, told apart by what they have.
void ReadDetails(json::Value error, ErrorBody& body) {
  const auto details = error.Find("details");
  if (!details || !details->is(json::Kind::kArray)) return;
  for (std::size_t i = 0; i < std::min(details->size(), kMaxDetails); ++i) {
    const json::Value detail = details->At(i);
    if (body.inner_code.empty()) body.inner_code = TextOf(detail, "reason");
    if (body.retry_delay.empty()) body.retry_delay = TextOf(detail, "retryDelay");
    body.long_term_quota = body.long_term_quota || HasDailyQuota(detail);
  }
}

ErrorBody ReadError(json::Value error) {
  ErrorBody body{.type = TextOf(error, "type"),
                 .code = TextOf(error, "code"),
                 .inner_code = InnerCodeOf(error),
                 .status = TextOf(error, "status"),
                 .param = TextOf(error, "param"),
                 .message = TextOf(error, "message"),
                 .prompt_tokens = TextOf(error, "n_prompt_tokens")};
  ReadDetails(error, body);
  if (body.status == "RESOURCE_EXHAUSTED" && HasLimitOfZero(body.message)) {
    body.long_term_quota = true;
  }
  return body;
}

}  // namespace

std::optional<ErrorBody> FindError(json::Value root) {
  if (root.is(json::Kind::kArray) && root.size() == 1) root = root.At(0);
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
