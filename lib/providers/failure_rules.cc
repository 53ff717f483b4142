#include "providers/failure_rules.h"

#include <algorithm>

#include "base/ascii.h"

namespace llmbatch::providers {
namespace {

using enum FailureClass;

struct NameRule {
  std::string_view name;  // of an error's type, code, inner code or status
  FailureClass cls;
};

// The first that fits. Billing stands before rate limits: both come with status 429.
constexpr NameRule kNameRules[] = {
    {"insufficient_quota", kQuotaExhausted},
    {"credit_balance_exhausted", kQuotaExhausted},
    {"organization_spend_limit_exceeded", kQuotaExhausted},
    {"project_spend_limit_exceeded", kQuotaExhausted},
    {"organization_usage_limit_exceeded", kQuotaExhausted},
    {"billing_hard_limit_reached", kQuotaExhausted},
    {"billing_not_active", kQuotaExhausted},
    {"billing_error", kQuotaExhausted},
    {"enforced_spend_limit_reached", kQuotaExhausted},
    {"contract_spend_limit_reached", kQuotaExhausted},
    {"budget_exceeded", kQuotaExhausted},
    {"context_length_exceeded", kContextTooLong},
    {"exceed_context_size_error", kContextTooLong},
    {"request_too_large", kRequestTooLarge},
    {"content_filter", kContentBlocked},
    {"content_policy_violation", kContentBlocked},
    {"ResponsibleAIPolicyViolation", kContentBlocked},
    {"invalid_prompt", kContentBlocked},
    {"bio_policy", kContentBlocked},
    {"cyber_policy", kContentBlocked},
    {"data_residency_mismatch", kBadRequest},
    // The server found the model's own JSON broken; the next try may be better.
    {"json_validate_failed", kProtocol},
    {"slow_down", kOverloaded},
    {"server_is_overloaded", kOverloaded},
    {"service_unavailable_error", kOverloaded},
    {"unavailable_error", kOverloaded},
    {"overloaded_error", kOverloaded},
    {"capacity_exceeded", kOverloaded},
    {"invalid_api_key", kAuth},
    {"authentication_error", kAuth},
    {"API_KEY_INVALID", kAuth},
    // The project's region or billing: no request passes until someone acts.
    {"FAILED_PRECONDITION", kAuth},
    {"rate_limit_exceeded", kRateLimited},
    {"rate_limit_error", kRateLimited},
    {"throttling_error", kRateLimited},
    {"server_error", kOverloaded},
};

struct PhraseRule {
  std::string_view phrase;  // in lower case, anywhere in the error's message
  FailureClass cls;
};

// Servers that have no code for it. The messages are read, but never passed on.
constexpr PhraseRule kPhraseRules[] = {
    {"context_length_exceeded", kContextTooLong},
    {"exceed_context_size_error", kContextTooLong},
    {"contextwindowexceedederror", kContextTooLong},
    {"maximum context length", kContextTooLong},
    {"maximum context limit", kContextTooLong},
    {"exceed context limit", kContextTooLong},
    {"prompt is too long", kContextTooLong},
    {"exceeds the available context size", kContextTooLong},
    {"exceeds the maximum number of tokens allowed", kContextTooLong},
    {"input tokens exceed the configured limit", kContextTooLong},
    {"longer than the model's context length", kContextTooLong},
    {"maximum input length is", kContextTooLong},
    {"exceeds the context window", kContextTooLong},
    {"cannot be greater than max_model_len", kContextTooLong},
    {"max_tokens must be at least 1, got -", kContextTooLong},
    {"you have reached your specified api usage limits", kQuotaExhausted},
    {"credit balance is too low", kQuotaExhausted},
    {"credits are depleted", kQuotaExhausted},
    {"budget has been exceeded", kQuotaExhausted},
    {"crossed budget", kQuotaExhausted},
    {"contentpolicyviolationerror", kContentBlocked},
    // Comes with 403, as if the key were refused.
    {"input was flagged", kContentBlocked},
    // A rate limit that this one request passes all by itself: waiting can't help.
    {"request too large for", kRequestTooLarge},
};
// Says something about a field, though it has a phrase of those above in its message.
constexpr std::string_view kNotTheContext = "string_above_max_length";

struct StatusRule {
  int first;
  int last;
  StatusMeaning meaning;
};

constexpr StatusRule kStatusRules[] = {
    {400, 400, {kBadRequest}},
    {401, 401, {kAuth}},
    {402, 402, {kQuotaExhausted}},
    {403, 403, {kAuth}},
    {408, 409, {kOverloaded}},
    {413, 413, {kRequestTooLarge}},
    {429, 429, {kRateLimited}},
    {498, 498, {kOverloaded}},
    {502, 502, {.cls = kOverloaded, .maybe_billed = true}},
    {504, 504, {.cls = kOverloaded, .maybe_billed = true}},
    {524, 524, {.cls = kOverloaded, .maybe_billed = true}},
    {500, 599, {kOverloaded}},
    {300, 499, {kBadRequest}},
};

bool Contains(std::string_view text, std::string_view phrase_in_lower_case) {
  return std::search(text.begin(), text.end(), phrase_in_lower_case.begin(),
                     phrase_in_lower_case.end(),
                     [](char a, char b) { return base::ToLower(a) == b; }) != text.end();
}

bool MayBePhrased(int http_status) {
  return http_status == 200 || http_status == 400 || http_status == 403 || http_status == 413 ||
         http_status == 422 || http_status == 429 || http_status == 500;
}

}  // namespace

std::optional<FailureClass> ClassByError(int http_status, const ErrorBody& error) {
  if (error.code != kNotTheContext && MayBePhrased(http_status)) {
    for (const PhraseRule& rule : kPhraseRules) {
      if (Contains(error.message, rule.phrase)) return rule.cls;
    }
  }
  if (error.long_term_quota) return kQuotaExhausted;
  for (const NameRule& rule : kNameRules) {
    if (error.type == rule.name || error.code == rule.name || error.inner_code == rule.name ||
        error.status == rule.name) {
      return rule.cls;
    }
  }
  return std::nullopt;
}

StatusMeaning MeaningOfStatus(int http_status) {
  for (const StatusRule& rule : kStatusRules) {
    if (http_status >= rule.first && http_status <= rule.last) return rule.meaning;
  }
  return {};
}

}  // namespace llmbatch::providers
