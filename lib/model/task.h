// Task: a named recipe in the configuration, and the providers and models that it can be routed to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/item.h"
#include "model/money.h"
#include "model/price.h"

namespace llmbatch::model {

enum class Oversize { kError, kAlone };
enum class AnswerForm {
  kItems,
  kText
};  // kText: the whole completion is the output of the one item

// One way to serve a task. The next one of a route is used when the one before can't serve.
struct RouteEntry {
  std::string provider;
  std::string model;

  friend auto operator<=>(const RouteEntry&, const RouteEntry&) = default;
};

// Workflow `fields`: where in the user's data the value of certain fields stands.
struct ExtractRule {
  std::string label_pattern;  // regular expression that a whole label matches, whatever its case
  std::string pointer;        // JSON Pointer
};

// Nano-dollars that calls may cost; nullopt: any sum.
struct BudgetCaps {
  std::optional<NanoUsd> day;    // of the calendar, in UTC
  std::optional<NanoUsd> month;  // likewise

  bool any() const { return day || month; }
};

struct Task {
  std::string name;
  std::string workflow = "map";
  std::vector<RouteEntry> route;  // never empty
  std::int64_t max_batch_tokens = 16'000;
  std::int64_t max_batch_items = 20;
  Oversize oversize = Oversize::kError;
  base::Duration linger = std::chrono::milliseconds(200);
  std::string system;  // mustache, no HTML escaping
  std::string prompt;  // mustache, no HTML escaping
  std::map<std::string, std::string> variables;
  std::string output_schema_json;  // JSON Schema of one item's answer; empty: none
  AnswerForm answer = AnswerForm::kItems;
  std::int64_t max_output_tokens = 4'000;
  // A JSON object that goes into the provider's request as it is; empty: none.
  std::string parameters_json;
  std::map<RouteEntry, std::string> parameters_of;  // instead, for entries of the route
  std::string fallback_json;  // output of an item that could not be answered; empty: none
  bool isolate_tenants = false;
  base::Duration timeout = std::chrono::seconds(600);  // of one call
  std::int64_t concurrency = 0;  // calls in flight over all replicas; 0: no bound of its own
  std::int64_t permits = 1;      // that one call takes of each pool
  int max_attempts = 8;          // of one batch, after transient errors
  int max_item_attempts =
      3;  // times that an item is asked in all, while its answer is missing or invalid; 0 is as 1
  base::Duration cache_ttl{};  // an answer serves the same input for so long; 0: it doesn't
  bool cache_batched = false;  // also an answer from a prompt with other items
  std::string results_topic;   // empty: the deployment's
  BudgetCaps budget;
  std::vector<ExtractRule> extract_rules;
  // What the workflow's steps of another kind are asked with: kind → name of a task.
  std::map<std::string, std::string> steps;

  const std::string& ParametersFor(const RouteEntry& entry) const {
    const auto found = parameters_of.find(entry);
    return found == parameters_of.end() ? parameters_json : found->second;
  }
};

// What may be asked in a minute, over all replicas; 0: as much as you like.
struct RateLimits {
  std::int64_t requests_per_minute = 0;
  std::int64_t tokens_per_minute = 0;  // input and output together
  std::int64_t input_tokens_per_minute = 0;
  std::int64_t output_tokens_per_minute = 0;
};

// Calls at once that a model bears, to be found by trying between these.
struct AdaptiveRange {
  std::int64_t min = 1;
  std::int64_t max = 64;
};

// How a model's tokens are estimated.
enum class Tokenizer {
  kByName,  // by the nearest of these that the model's name tells
  kO200k,   // OpenAI's since GPT-4o
  kClaude,  // Claude's since Opus 4.7
  kChars,   // a quarter of the characters, whatever they are
};

struct ModelInfo {
  Tokenizer tokenizer = Tokenizer::kByName;
  std::int64_t context_window_tokens = 128'000;
  std::int64_t max_output_tokens = 16'000;
  // Instead of its provider's, if it is there.
  std::optional<std::int64_t> stream_above_output_tokens;
  PriceList prices;  // empty: cost is unknown, never zero
  RateLimits rates;  // of this model alone
  // Instead of its provider's, if it is there.
  std::optional<AdaptiveRange> adaptive;
};

// How a provider's wire format is spoken; everything in which compatible servers differ is a switch
// here. A switch that a format does not have is without effect there.
struct Provider {
  enum class SchemaMode {
    kJsonSchema,
    kJsonObject,        // any JSON object
    kJsonObjectSchema,  // the same, with the schema beside it
    kOpenApiSchema,     // in the dialect of OpenAPI
    kNone,
  };
  enum class PromptCache { kNone, kMinutes, kHour };

  std::string name;
  std::string api = "openai";
  std::string api_version;             // empty: the format's usual one
  std::vector<model::Header> headers;  // sent with each request, beside the format's own
  std::string max_tokens_field = "max_completion_tokens";
  std::string system_role = "system";
  SchemaMode schema_mode = SchemaMode::kJsonSchema;
  bool strict_schema = true;  // the provider is asked to keep to the schema in every answer
  PromptCache prompt_cache = PromptCache::kNone;  // how long the system text is kept at theirs
  bool stream_usage = true;                       // streams are asked to tell their usage
  // Answers that may have more tokens than this are streamed; nullopt: none.
  std::optional<std::int64_t> stream_above_output_tokens;
  base::Duration stream_idle_timeout = std::chrono::seconds(60);  // between two pieces of a stream
  std::int64_t concurrency = 64;  // calls in flight over all replicas
  std::int64_t max_response_bytes = 32LL << 20;
  RateLimits rates;                       // of all models of this provider together
  std::optional<AdaptiveRange> adaptive;  // of each of its models; nullopt: nothing is tried
};

// What the configuration says about the work itself. Immutable once built: a reload makes a new
// one.
struct Catalog {
  std::map<std::string, std::shared_ptr<const Task>> tasks;
  std::map<std::string, Provider> providers;
  std::map<RouteEntry, ModelInfo> models;  // an entry for every route entry of every task and route
  // By their names; a job may choose one in place of its task's own. None is empty.
  std::map<std::string, std::vector<RouteEntry>> routes;
  // How many times the share of another each of these users is served; who isn't in it has 1.
  std::map<std::string, std::int64_t> user_weights;
};

}  // namespace llmbatch::model
