// ErrorBody: the error that a response's body tells of, in whatever form it does.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"

namespace llmbatch::providers {

// What a provider may send as a whole body of JSON.
inline constexpr json::Limits kBodyLimits{.max_bytes = 32U << 20};

// Everything here is the provider's text and may quote the prompt.
struct ErrorBody {
  std::string type;
  std::string code;        // a number is written as its digits
  std::string inner_code;  // what stands deeper: an inner error's code, a detail's code or reason
  std::string status;      // a name of its own beside a numeric code, as Google's APIs have it
  std::string param;
  std::string message;           // the first part of it
  std::string prompt_tokens;     // as llama.cpp's server counts what is too long
  std::string retry_delay;       // as written: "37s"
  bool long_term_quota = false;  // a limit by the day is reached, or is zero
};

// nullopt if the object has no error: no member `error`, or null. Reads {"error":{…}},
// {"error":"…"}, the flat {"object":"error",…}, and a list of one of these.
std::optional<ErrorBody> FindError(json::Value root);
// The same for a body that may be no JSON at all.
std::optional<ErrorBody> ParseErrorBody(std::string_view body);

// Whether `text` can be shown to people: short, and letters, digits and _.-[] only, as names of
// types and codes are.
bool IsName(std::string_view text);

}  // namespace llmbatch::providers
