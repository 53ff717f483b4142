#include <algorithm>
#include <array>
#include <string_view>

#include "config/credential.h"
#include "config/sections.h"
#include "config/values.h"
#include "model/money.h"
#include "providers/codec.h"

namespace llmbatch::config {
namespace {

using SchemaMode = model::Provider::SchemaMode;

void ReadApi(model::Provider& provider, Section& section) {
  constexpr std::array<std::string_view, 3> kPlanned{"azure_openai", "anthropic", "gemini"};
  const std::string api = section.String("api", provider.api);
  if (providers::CodecFor(api) != nullptr) {
    provider.api = api;
    return;
  }
  const bool planned = std::find(kPlanned.begin(), kPlanned.end(), api) != kPlanned.end();
  section.Fail("api", planned ? "\"" + api + "\" is not supported in this version; use \"openai\""
                              : "must be \"openai\"");
}

// Where a request's body leaves it to us how a field is called.
void ReadWireSwitches(model::Provider& provider, Section& section) {
  provider.max_tokens_field = section.Choice<std::string>(
      "max_tokens_field", provider.max_tokens_field,
      {{"max_completion_tokens", "max_completion_tokens"}, {"max_tokens", "max_tokens"}});
  provider.system_role = section.Choice<std::string>(
      "system_role", provider.system_role, {{"system", "system"}, {"developer", "developer"}});
  provider.schema_mode = section.Choice<SchemaMode>("schema_mode", provider.schema_mode,
                                                    {{"json_schema", SchemaMode::kJsonSchema},
                                                     {"json_object", SchemaMode::kJsonObject},
                                                     {"none", SchemaMode::kNone}});
}

// Dollars per million tokens, written as a text so that no digit is lost.
std::optional<std::int64_t> ReadPrice(Section& section, std::string_view key) {
  constexpr std::int64_t kThousandsInAMillion = 1000;
  if (!section.Has(key)) return std::nullopt;
  const std::string text = section.String(key, "");
  if (text.empty()) return std::nullopt;
  const auto per_million = model::ParseDecimal(text);
  if (!per_million || per_million->nanos % kThousandsInAMillion != 0) {
    section.Fail(key,
                 "must be dollars as a decimal with up to six digits after the point: \"0.25\"");
    return std::nullopt;
  }
  return per_million->nanos / kThousandsInAMillion;
}

std::string ToText(const toml::date& date) {
  const auto digits = [](int number, std::size_t width) {
    const std::string text = std::to_string(number);
    return std::string(width - std::min(width, text.size()), '0') + text;
  };
  return digits(date.year, 4) + "-" + digits(date.month, 2) + "-" + digits(date.day, 2);
}

std::optional<model::ModelPrice> ReadPrices(Section& section) {
  const auto input = ReadPrice(section, "input_usd_per_million");
  const auto cached = ReadPrice(section, "cached_input_usd_per_million");
  const auto output = ReadPrice(section, "output_usd_per_million");
  if (const toml::node* node = section.Any("as_of", toml::node_type::date)) {
    section.Note("as_of", ToText(node->as_date()->get()));
  }
  if (!input && !cached && !output) return std::nullopt;
  for (const std::string_view key : {"input_usd_per_million", "output_usd_per_million"}) {
    if (!section.Has(key)) section.Fail(key, "missing: a price needs both input and output");
  }
  return model::ModelPrice{.input_nanos_per_1k = input.value_or(0),
                           .cached_input_nanos_per_1k = cached.value_or(input.value_or(0)),
                           .output_nanos_per_1k = output.value_or(0)};
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
  ReadApi(provider, section);
  ReadWireSwitches(provider, section);
  config.allow_private = section.Bool("allow_private", config.allow_private);
  config.base_url = section.String("base_url", config.base_url);
  const std::string fault = FaultOfBaseUrl(config.base_url, config.allow_private);
  if (!fault.empty()) section.Fail("base_url", fault);
  config.api_key = ReadSecret(section, "api_key", environment);
  if (section.Has("ca_file")) {
    config.ca_file = section.ResolvePath("ca_file", section.String("ca_file", ""));
    const auto text = environment.read_file(config.ca_file);
    if (!text) section.Fail("ca_file", text.error().message);
  }
  config.proxy = section.String("proxy", "");
  if (config.proxy.find('@') != std::string::npos) {
    section.Fail("proxy", "must have no credentials in it");
  }
  config.connect_timeout =
      section.Duration("connect_timeout", config.connect_timeout,
                       {std::chrono::milliseconds(100), std::chrono::minutes(5)});
  provider.concurrency =
      section.Int("concurrency", provider.concurrency, {.min = 1, .max = 10'000});
  provider.max_response_bytes = section.Int("max_response_bytes", provider.max_response_bytes,
                                            {.min = 64LL << 10, .max = 1LL << 30});
  for (const std::string_view key : {"requests_per_minute", "tokens_per_minute"}) {
    section.NotSupported(key);
  }
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
    info.context_window_tokens = ReadRequiredTokens(model_section, "context_window");
    info.max_output_tokens = ReadRequiredTokens(model_section, "max_output_tokens");
    info.price = ReadPrices(model_section);
    model_section.RefuseOthers();
    if (slash == std::string::npos) continue;
    models[{.provider = name.substr(0, slash), .model = name.substr(slash + 1)}] = info;
  }
  return models;
}

}  // namespace llmbatch::config
