// Codec: one provider API's wire format. Translates between requests and HTTP messages, sends
// nothing.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "json/value.h"
#include "model/task.h"
#include "model/usage.h"
#include "ports/record.h"
#include "providers/chat_request.h"
#include "providers/completion_stream.h"
#include "providers/failure.h"
#include "providers/rate_limits.h"

namespace llmbatch::providers {

// What a provider's configuration can say for a format, and what counts where it says nothing.
struct FormatTraits {
  std::string_view base_url;        // empty: it has to be configured
  std::string_view api_key_header;  // in which the key is sent
  std::string_view api_version;     // empty: the format has no versions
  std::span<const model::Provider::SchemaMode> schema_modes;
  bool has_chat_names = false;     // max_tokens_field and system_role
  bool has_strict_schema = false;  // strict_schema
  bool has_prompt_cache = false;   // prompt_cache
};

// Stateless.
class Codec {
 public:
  virtual ~Codec() = default;

  virtual FormatTraits traits() const = 0;
  // Members of `parameters_json` that ValidateParameters refuses are left out.
  virtual ports::HttpRequest Encode(const ChatRequest& request, const model::Provider& provider,
                                    base::Duration timeout) const = 0;
  // For a streamed response; never null. Decode uses it by itself.
  virtual std::unique_ptr<CompletionStream> NewStream() const = 0;
  // A response of any status and body, streamed or not. An error in a response with status 200 is
  // an error, and what it used all the same is told.
  std::variant<Completion, CallFailure> Decode(const ports::HttpResponse& response,
                                               base::WallTime now) const;
  // Of any response, errors included.
  virtual RateLimits RateLimitsOf(const ports::HttpResponse& response,
                                  base::WallTime now) const = 0;
  // Whether a task's `parameters` are a JSON object without members that the codec writes itself,
  // that change the form of the answer, or that the provider is known to refuse. Empty is fine.
  virtual base::Result<void> ValidateParameters(std::string_view parameters_json,
                                                const model::Provider& provider) const = 0;

 protected:
  // Fields of Completion.
  struct Used {
    std::optional<model::Usage> usage;
    std::string tier;
  };
  // What is missing in an answer that is none.
  using Missing = std::string_view;

 private:
  // Of any JSON that came with a status of success.
  virtual Used ReadUsed(json::Value root, const ports::HttpResponse& response) const = 0;
  // Of JSON that tells of no error. What is in Used need not be in the completion.
  virtual std::variant<Completion, Missing> ReadCompletion(
      json::Value root, const ports::HttpResponse& response) const = 0;
};

// The codec of a provider's `api`; nullptr if there is none. Lives as long as the process.
const Codec* CodecFor(std::string_view api);
// Every `api` that there is a codec for.
std::span<const std::string_view> Apis();

}  // namespace llmbatch::providers
