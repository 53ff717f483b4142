// The seam between the twin and a provider's wire format. A new format is one class of this kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "twin/answer.h"
#include "twin/faults.h"
#include "twin/json.h"
#include "twin/limits.h"
#include "twin/stream.h"

namespace llmbatch::twin {

using Headers = std::vector<std::pair<std::string, std::string>>;

// A request to a model, whatever the format.
struct ModelRequest {
  rapidjson::Document body;  // keeps `schema` alive
  std::string model{};
  std::string text{};  // of all messages
  std::string last_user_text{};
  std::uint64_t message_count = 0;
  const JsonValue* schema = nullptr;  // the asked schema of the answer, an object, or nullptr
  std::optional<std::uint64_t> max_output_tokens{};
  bool stream = false;
  bool stream_usage = true;  // whether the stream is to tell its usage
};

// Everything of an answer's envelope that isn't the answer.
struct Envelope {
  std::uint64_t sequence = 0;
  std::string_view model;
  base::WallTime created;
};

class WireFormat {
 public:
  virtual ~WireFormat() = default;

  // Whether requests to this path are in this format.
  virtual bool Serves(std::string_view path) const = 0;
  virtual base::Result<ModelRequest> Decode(std::string_view path, std::string_view body) const = 0;
  virtual std::string EncodeAnswer(const Envelope& envelope, const Answer& answer) const = 0;
  // The same as a stream.
  virtual StreamEvents EncodeStream(const Envelope& envelope, const Answer& answer) const = 0;
  // The name of the event that tells of an error; empty: none.
  virtual std::string_view error_event() const = 0;
  // Whether the key stands where this format has it. Names of headers are in lower case.
  virtual bool Admits(std::string_view path, const Headers& headers,
                      std::string_view api_key) const = 0;
  // The HTTP status of a fault that is answered with an error.
  virtual int StatusOf(const Fault& fault) const = 0;
  // `retry_after` is for formats that say it in the body.
  virtual std::string EncodeError(const Fault& fault, std::string_view message,
                                  std::optional<base::Duration> retry_after) const = 0;
  virtual Headers RateLimitHeaders(const Limiter& limiter, base::WallTime now) const = 0;
  virtual Headers RetryHeaders(base::Duration wait) const = 0;
  // Empty: there is none.
  virtual std::string_view request_id_header() const = 0;
};

// Each lives for the whole program.
// OpenAI chat completions: POST {prefix}/chat/completions, also under a path of Azure's.
const WireFormat& OpenAiChat();
// OpenAI Responses: POST {prefix}/responses.
const WireFormat& OpenAiResponses();
// Anthropic Messages: POST {prefix}/v1/messages.
const WireFormat& AnthropicMessages();
// Gemini: POST {prefix}/models/{model}:generateContent.
const WireFormat& GeminiContent();

}  // namespace llmbatch::twin
