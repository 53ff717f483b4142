#include "twin/openai_format.h"

#include <chrono>

#include "twin/json.h"
#include "twin/wire_parts.h"

namespace llmbatch::twin {
namespace {

struct ErrorShape {
  int status;
  const char* type;
  const char* code;  // nullptr: null
};

ErrorShape ShapeOfStatus(int status) {
  switch (status) {
    case 401:
      return {status, "invalid_request_error", "invalid_api_key"};
    case 404:
      return {status, "invalid_request_error", "model_not_found"};
    case 429:
      return {status, "requests", "rate_limit_exceeded"};
    case 503:
      return {status, "service_unavailable_error", "server_is_overloaded"};
    default:
      break;
  }
  return {status, status < 500 ? "invalid_request_error" : "server_error", nullptr};
}

ErrorShape ShapeOf(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kStatus:
      return ShapeOfStatus(fault.status);
    case FaultKind::kInsufficientQuota:
      return {429, "insufficient_quota", "insufficient_quota"};
    case FaultKind::kContextLengthExceeded:
      return {400, "invalid_request_error", "context_length_exceeded"};
    case FaultKind::kSlowDown:
      return {503, "service_unavailable_error", "slow_down"};
    case FaultKind::kTokenLimit:
      return {429, "tokens", "rate_limit_exceeded"};
    case FaultKind::kRequestLimit:
    case FaultKind::kConcurrencyLimit:
      return {429, "requests", "rate_limit_exceeded"};
    case FaultKind::kErrorIn200:
      return {200, "server_error", nullptr};
    case FaultKind::kBadRequest:
      return {400, "invalid_request_error", nullptr};
    default:
      return {500, "server_error", nullptr};
  }
}

void AddLimitHeaders(const std::string& what, const std::optional<LimitState>& state,
                     Headers& headers) {
  if (!state) return;
  headers.emplace_back("x-ratelimit-limit-" + what, std::to_string(state->limit));
  headers.emplace_back("x-ratelimit-remaining-" + what, std::to_string(state->remaining));
  headers.emplace_back("x-ratelimit-reset-" + what, FormatGoDuration(state->reset));
}

}  // namespace

std::string FaultOfStrictSchema(const JsonValue& format) {
  const JsonValue* schema = FindObject(format, {"schema"});
  const JsonValue* strict = Find(format, "strict");
  if (schema == nullptr || strict == nullptr || !strict->IsTrue()) return {};
  return FaultOfClosedSchema(*schema, true);
}

bool OpenAiFormat::Admits(std::string_view path, const Headers& headers,
                          std::string_view api_key) const {
  const bool azure = path.find("/openai/") != std::string_view::npos;
  return HasHeader(headers, "authorization", "Bearer ", api_key) ||
         (azure && HasHeader(headers, "api-key", "", api_key));
}

int OpenAiFormat::StatusOf(const Fault& fault) const { return ShapeOf(fault).status; }

std::string OpenAiFormat::EncodeError(const Fault& fault, std::string_view message,
                                      std::optional<base::Duration> /*retry_after*/) const {
  const ErrorShape shape = ShapeOf(fault);
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  writer.Key("error");
  writer.StartObject();
  WriteMember(writer, "message", message);
  WriteMember(writer, "type", shape.type);
  writer.Key("param");
  writer.Null();
  writer.Key("code");
  WriteNullable(writer, shape.code);
  writer.EndObject();
  writer.EndObject();
  return TakeText(buffer);
}

Headers OpenAiFormat::RateLimitHeaders(const Limiter& limiter, base::WallTime /*now*/) const {
  Headers headers;
  AddLimitHeaders("requests", limiter.requests(), headers);
  AddLimitHeaders("tokens", limiter.tokens(), headers);
  return headers;
}

Headers OpenAiFormat::RetryHeaders(base::Duration wait) const {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return {{"retry-after", std::to_string((ms + 999) / 1000)},
          {"retry-after-ms", std::to_string(ms)}};
}

}  // namespace llmbatch::twin
