#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "config/credential.h"
#include "config/sections.h"
#include "config/values.h"
#include "providers/codec.h"

namespace llmbatch::config {
namespace {

using SchemaMode = model::Provider::SchemaMode;
using model::Tokenizer;

std::vector<std::string> KnownApis() {
  std::vector<std::string> apis;
  for (const std::string_view api : providers::Apis()) apis.emplace_back(api);
  return apis;
}

// After an unknown api, as if it were the usual one, so that reading goes on.
providers::FormatTraits ReadApi(model::Provider& provider, Section& section) {
  const std::string api = section.String("api", provider.api);
  if (providers::CodecFor(api) != nullptr) {
    provider.api = api;
  } else {
    section.Fail("api", "must be " + Enumerate(KnownApis()));
  }
  return providers::CodecFor(provider.api)->traits();
}

// Reports the key if the format has nothing that it could mean.
bool HasMeaning(bool in_format, std::string_view key, const model::Provider& provider,
                Section& section) {
  if (in_format) return true;
  section.Known(key);
  if (section.Has(key)) section.Fail(key, "has no meaning with api = \"" + provider.api + "\"");
  return false;
}

SchemaMode ReadSchemaMode(const model::Provider& provider, const providers::FormatTraits& traits,
                          Section& section) {
  Section::Choices<SchemaMode> choices;
  for (const auto& [word, mode] : {std::pair("json_schema", SchemaMode::kJsonSchema),
                                   {"openapi_schema", SchemaMode::kOpenApiSchema},
                                   {"json_object", SchemaMode::kJsonObject},
                                   {"json_object_schema", SchemaMode::kJsonObjectSchema},
                                   {"none", SchemaMode::kNone}}) {
    const auto& modes = traits.schema_modes;
    if (std::find(modes.begin(), modes.end(), mode) != modes.end())
      choices.emplace_back(word, mode);
  }
  return section.Choice<SchemaMode>("schema_mode", provider.schema_mode, choices);
}

// Where a request's body leaves it to us what it says, and how.
void ReadWireSwitches(model::Provider& provider, const providers::FormatTraits& traits,
                      Section& section) {
  using PromptCache = model::Provider::PromptCache;
  if (HasMeaning(!traits.api_version.empty(), "api_version", provider, section)) {
    provider.api_version = section.String("api_version", std::string(traits.api_version));
    if (!IsName(provider.api_version)) {
      section.Fail("api_version", "must be 1 to 64 of A–Z a–z 0–9 . _ -");
    }
  }
  if (HasMeaning(traits.has_chat_names, "max_tokens_field", provider, section)) {
    provider.max_tokens_field = section.Choice<std::string>(
        "max_tokens_field", provider.max_tokens_field,
        {{"max_completion_tokens", "max_completion_tokens"}, {"max_tokens", "max_tokens"}});
  }
  if (HasMeaning(traits.has_chat_names, "system_role", provider, section)) {
    provider.system_role = section.Choice<std::string>(
        "system_role", provider.system_role, {{"system", "system"}, {"developer", "developer"}});
  }
  provider.schema_mode = ReadSchemaMode(provider, traits, section);
  if (HasMeaning(traits.has_strict_schema, "strict_schema", provider, section)) {
    provider.strict_schema = section.Bool("strict_schema", provider.strict_schema);
  }
  if (HasMeaning(traits.has_chat_names, "stream_usage", provider, section)) {
    provider.stream_usage = section.Bool("stream_usage", provider.stream_usage);
  }
  if (HasMeaning(traits.has_prompt_cache, "prompt_cache", provider, section)) {
    provider.prompt_cache = section.Choice<PromptCache>(
        "prompt_cache", provider.prompt_cache,
        {{"none", PromptCache::kNone}, {"5m", PromptCache::kMinutes}, {"1h", PromptCache::kHour}});
  }
}

bool IsHeaderName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

bool IsHeaderValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Those that the format, HTTP or the key's own settings write.
bool IsTakenHeader(std::string_view name, std::string_view key_header) {
  constexpr std::array<std::string_view, 14> kTaken{
      "accept-encoding",   "anthropic-version", "api-key",      "authorization", "connection",
      "content-encoding",  "content-length",    "content-type", "expect",        "host",
      "transfer-encoding", "user-agent",        "x-api-key",    "x-goog-api-key"};
  const std::string lower = base::ToLower(name);
  return lower == base::ToLower(key_header) ||
         std::find(kTaken.begin(), kTaken.end(), lower) != kTaken.end();
}

void ReadHeaders(ProviderConfig& config, Section section) {
  for (const std::string& name : section.Keys()) {
    const std::string value = section.String(name, "", Empty::kAllowed);
    if (!IsHeaderName(name)) {
      section.Fail(name, "is no name of a header: A–Z a–z 0–9 _ -");
    } else if (IsTakenHeader(name, config.api_key_header)) {
      section.Fail(name, "is set by the daemon and can't be given here");
    } else if (!IsHeaderValue(value)) {
      section.Fail(name, "may have only printable ASCII characters");
    } else {
      config.provider.headers.push_back({.name = name, .value = value});
    }
  }
}

// Where the provider is, and what is shown at its door.
void ReadEndpoint(ProviderConfig& config, const providers::FormatTraits& traits, Section& section,
                  const Environment& environment) {
  config.allow_private = section.Bool("allow_private", config.allow_private);
  if (traits.base_url.empty() && !section.Has("base_url")) {
    section.Fail("base_url", "missing: api = \"" + config.provider.api + "\" has no usual one");
  }
  config.base_url = section.String("base_url", std::string(traits.base_url));
  const std::string fault = FaultOfBaseUrl(config.base_url, config.allow_private);
  if (!fault.empty() && section.Has("base_url")) section.Fail("base_url", fault);
  config.api_key = ReadSecret(section, "api_key", environment);
  config.api_key_header = section.String("api_key_header", std::string(traits.api_key_header));
  if (!IsHeaderName(config.api_key_header)) {
    section.Fail("api_key_header", "is no name of a header: A–Z a–z 0–9 _ -");
  }
  const bool bearer = base::ToLower(config.api_key_header) == "authorization";
  config.api_key_prefix = bearer ? "Bearer " : "";
  ReadHeaders(config, section.Table("headers"));
}

model::RateLimits ReadRates(Section& section) {
  constexpr IntRange kRange{.min = 1, .max = 1'000'000'000'000};
  model::RateLimits rates;
  for (const auto& [key, rate] : {std::pair<std::string_view, std::int64_t*>{
                                      "requests_per_minute", &rates.requests_per_minute},
                                  {"tokens_per_minute", &rates.tokens_per_minute},
                                  {"input_tokens_per_minute", &rates.input_tokens_per_minute},
                                  {"output_tokens_per_minute", &rates.output_tokens_per_minute}}) {
    if (section.Has(key)) {
      *rate = section.Int(key, *rate, kRange);
    } else {
      section.Known(key);
    }
  }
  return rates;
}

// nullopt: the key isn't there.
std::optional<std::int64_t> ReadStreamAbove(Section& section) {
  constexpr std::string_view kKey = "stream_above_output_tokens";
  section.Known(kKey);
  if (!section.Has(kKey)) return std::nullopt;
  return section.Int(kKey, 0, {.min = 0, .max = 100'000'000});
}

// nullopt: the key isn't there.
std::optional<model::AdaptiveRange> ReadAdaptive(Section& section) {
  constexpr std::string_view kKey = "adaptive";
  constexpr IntRange kRange{.min = 1, .max = 10'000};
  if (!section.Has(kKey)) {
    section.Known(kKey);
    return std::nullopt;
  }
  Section table = section.Table(kKey);
  model::AdaptiveRange range;
  range.min = table.Int("min", range.min, kRange);
  range.max = table.Int("max", std::max(range.min, range.max), kRange);
  if (range.min > range.max) {
    table.Fail("min", "must not be above max, which is " + std::to_string(range.max));
  }
  table.RefuseOthers();
  return range;
}

std::int64_t ReadRequiredTokens(Section& section, std::string_view key) {
  constexpr IntRange kRange{.min = 1, .max = 100'000'000};
  if (!section.Has(key)) section.Fail(key, "missing: a whole number of tokens");
  return section.Int(key, kRange.max, kRange);
}

}  // namespace

ProviderConfig ReadProvider(const std::string& name, Section section,
                            const Environment& environment) {
  ProviderConfig config;
  model::Provider& provider = config.provider;
  provider.name = name;
  if (!IsName(name)) section.Fail("", "a provider's name must be 1 to 64 of A–Z a–z 0–9 . _ -");
  const providers::FormatTraits traits = ReadApi(provider, section);
  ReadWireSwitches(provider, traits, section);
  ReadEndpoint(config, traits, section, environment);
  config.ca_file = ReadCaFile(section, environment);
  config.proxy = section.String("proxy", "");
  if (config.proxy.find('@') != std::string::npos) {
    section.Fail("proxy", "must have no credentials in it");
  }
  config.connect_timeout =
      section.Duration("connect_timeout", config.connect_timeout,
                       {std::chrono::milliseconds(100), std::chrono::minutes(5)});
  provider.stream_above_output_tokens = ReadStreamAbove(section);
  provider.stream_idle_timeout =
      section.Duration("stream_idle_timeout", provider.stream_idle_timeout,
                       {std::chrono::seconds(1), std::chrono::hours(1)});
  provider.concurrency =
      section.Int("concurrency", provider.concurrency, {.min = 1, .max = 10'000});
  provider.max_response_bytes = section.Int("max_response_bytes", provider.max_response_bytes,
                                            {.min = 64LL << 10, .max = 1LL << 30});
  provider.rates = ReadRates(section);
  provider.adaptive = ReadAdaptive(section);
  section.RefuseOthers();
  return config;
}

Models ReadModels(Section section) {
  Models models;
  for (auto& [name, model_section] : section.NamedTables()) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == name.size()) {
      model_section.Fail("", "must be named [models.\"provider/model\"]");
    }
    model::ModelInfo info;
    info.tokenizer = model_section.Choice<Tokenizer>("tokenizer", info.tokenizer,
                                                     {{"by_name", Tokenizer::kByName},
                                                      {"o200k", Tokenizer::kO200k},
                                                      {"claude", Tokenizer::kClaude},
                                                      {"chars", Tokenizer::kChars}});
    info.context_window_tokens = ReadRequiredTokens(model_section, "context_window");
    info.max_output_tokens = ReadRequiredTokens(model_section, "max_output_tokens");
    info.stream_above_output_tokens = ReadStreamAbove(model_section);
    info.prices = ReadPriceList(model_section);
    info.rates = ReadRates(model_section);
    info.adaptive = ReadAdaptive(model_section);
    model_section.RefuseOthers();
    if (slash == std::string::npos) continue;
    models[{.provider = name.substr(0, slash), .model = name.substr(slash + 1)}] = info;
  }
  return models;
}

}  // namespace llmbatch::config
