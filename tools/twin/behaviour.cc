#include "twin/behaviour.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

using base::Result;

Result<std::uint64_t> ParseCount(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 1'000'000'000'000U) {
    return base::Invalid("must be a whole number from 0 to 10^12");
  }
  return value;
}

Result<double> ParseAmount(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1e9)) {
    return base::Invalid("must be a number from 0 to 10^9");
  }
  return value;
}

template <typename T, typename Target>
Result<void> Assign(Result<T> parsed, Target& target) {
  if (!parsed) return parsed.error();
  target = *std::move(parsed);
  return {};
}

Result<void> AssignPositive(std::string_view text, double& target) {
  const auto value = ParseAmount(text);
  if (!value) return value.error();
  if (*value <= 0) return base::Invalid("must be more than 0");
  target = *value;
  return {};
}

Result<void> AssignErrorRates(std::string_view text, FaultRates& target) {
  auto rates = FaultRates::Parse(text);
  if (rates && !rates->ContainsNoAnswerFaults()) {
    return base::Invalid("names a wrong answer; those belong to answer_fault");
  }
  return Assign(std::move(rates), target);
}

Result<void> AssignAnswerFaults(std::string_view text, FaultRates& target) {
  auto rates = FaultRates::Parse(text);
  if (rates && !rates->ContainsOnlyAnswerFaults()) {
    return base::Invalid("names no wrong answer; others belong to error_rate");
  }
  return Assign(std::move(rates), target);
}

struct Setting {
  std::string_view name;
  std::string_view help;
  Result<void> (*apply)(std::string_view value, Behaviour& behaviour);
};

constexpr std::array kSettings = {
    Setting{"seed", "seed of everything drawn by chance",
            [](std::string_view v, Behaviour& b) { return Assign(ParseCount(v), b.seed); }},
    Setting{"latency_ms", "time until the answer",
            [](std::string_view v, Behaviour& b) {
              return Assign(Latency::Parse("fixed:" + std::string(v)), b.latency);
            }},
    Setting{"latency", "the same as fixed:MS, uniform:MS-MS or lognormal:MEDIAN_MS,SIGMA",
            [](std::string_view v, Behaviour& b) { return Assign(Latency::Parse(v), b.latency); }},
    Setting{"latency_per_item_ms", "more time for each item asked for",
            [](std::string_view v, Behaviour& b) {
              return Assign(ParseAmount(v), b.latency_per_item_ms);
            }},
    Setting{"latency_per_output_token_ms", "more time for each token of the answer",
            [](std::string_view v, Behaviour& b) {
              return Assign(ParseAmount(v), b.latency_per_output_token_ms);
            }},
    Setting{"workers", "requests that are worked on at a time, others wait; 0: all",
            [](std::string_view v, Behaviour& b) { return Assign(ParseCount(v), b.workers); }},
    Setting{"requests_per_minute", "429 above it; 0: no limit",
            [](std::string_view v, Behaviour& b) {
              return Assign(ParseCount(v), b.limits.requests_per_minute);
            }},
    Setting{"tokens_per_minute", "429 above it; 0: no limit",
            [](std::string_view v, Behaviour& b) {
              return Assign(ParseCount(v), b.limits.tokens_per_minute);
            }},
    Setting{"concurrency", "429 for more requests at a time; 0: no limit",
            [](std::string_view v, Behaviour& b) {
              return Assign(ParseCount(v), b.limits.concurrency);
            }},
    Setting{
        "limit_burst_seconds", "what may be used at once, in seconds of the rate (60)",
        [](std::string_view v, Behaviour& b) { return AssignPositive(v, b.limits.burst_seconds); }},
    Setting{"retry_after_seconds", "Retry-After of 429 and 503, instead of a computed one",
            [](std::string_view v, Behaviour& b) {
              return Assign(ParseAmount(v), b.retry_after_seconds);
            }},
    Setting{"chars_per_token", "how tokens are estimated (4)",
            [](std::string_view v, Behaviour& b) { return AssignPositive(v, b.chars_per_token); }},
    Setting{
        "context_window", "400 for prompts of more tokens; 0: no limit",
        [](std::string_view v, Behaviour& b) { return Assign(ParseCount(v), b.context_window); }},
    Setting{"api_key", "401 for requests that don't show this key; empty: keys are not looked at",
            [](std::string_view v, Behaviour& b) {
              b.api_key = v;
              return Result<void>();
            }},
    Setting{"error_rate", "NAME=RATE,… of errors and broken connections",
            [](std::string_view v, Behaviour& b) { return AssignErrorRates(v, b.error_rate); }},
    Setting{"answer_fault", "NAME=RATE,… of wrong answers",
            [](std::string_view v, Behaviour& b) { return AssignAnswerFaults(v, b.answer_fault); }},
};

base::Error At(std::string_view key, const base::Error& error) {
  return base::Invalid(std::string(key) + ": " + error.message);
}

// The value as a flag would give it: 200 and "200" are the same, and so are {"429": 0.1} and
// "429=0.1".
Result<std::string> FlagText(const JsonValue& value) {
  if (value.IsString()) return std::string(TextOf(value));
  if (value.IsNumber()) return ToJson(value);
  if (!value.IsObject()) return base::Invalid("must be a number, a text or an object of rates");
  std::string text;
  for (const auto& member : value.GetObject()) {
    if (!member.value.IsNumber()) return base::Invalid("a rate must be a number");
    if (!text.empty()) text += ',';
    text.append(TextOf(member.name)).append("=").append(ToJson(member.value));
  }
  return text;
}

Result<void> ApplyStepKey(std::string_view name, const JsonValue& value, Step& step) {
  if (name == "answer") {
    if (!value.IsString()) return base::Invalid("must be a text");
    step.answer = TextOf(value);
    return {};
  }
  const auto text = FlagText(value);
  if (!text) return text.error();
  if (name == "fault") return Assign(ParseFault(*text), step.fault);
  if (name == "latency_ms") return Assign(ParseAmount(*text), step.latency_ms);
  if (name == "retry_after_seconds") return Assign(ParseAmount(*text), step.retry_after_seconds);
  if (name == "times") return Assign(ParseCount(*text), step.times);
  return base::Invalid("no such key");
}

Result<Step> ReadStep(const JsonValue& value, Step step) {
  if (!value.IsObject()) return base::Invalid("must be an object");
  for (const auto& member : value.GetObject()) {
    const std::string_view name = TextOf(member.name);
    if (name == "text_contains") continue;
    const auto applied = ApplyStepKey(name, member.value, step);
    if (!applied) return At(name, applied.error());
  }
  return step;
}

Result<std::vector<Step>> ReadNext(const JsonValue& value) {
  if (!value.IsArray()) return base::Invalid("must be a list");
  std::vector<Step> steps;
  for (const JsonValue& element : value.GetArray()) {
    if (Find(element, "text_contains") != nullptr) {
      return base::Invalid("text_contains belongs to match");
    }
    auto step = ReadStep(element, Step{});
    if (!step) return step.error();
    steps.push_back(*std::move(step));
  }
  return steps;
}

Result<std::vector<Rule>> ReadMatch(const JsonValue& value) {
  if (!value.IsArray()) return base::Invalid("must be a list");
  std::vector<Rule> rules;
  for (const JsonValue& element : value.GetArray()) {
    const JsonValue* text = Find(element, "text_contains");
    if (text == nullptr || !text->IsString() || text->GetStringLength() == 0) {
      return base::Invalid("every rule needs text_contains");
    }
    auto step = ReadStep(element, Step{.times = 0});
    if (!step) return step.error();
    rules.push_back(Rule{.text_contains = std::string(TextOf(*text)), .step = *std::move(step)});
  }
  return rules;
}

Result<void> ApplyScriptKey(std::string_view name, const JsonValue& value, Behaviour& behaviour) {
  if (name == "next") return Assign(ReadNext(value), behaviour.next);
  if (name == "match") return Assign(ReadMatch(value), behaviour.match);
  const auto text = FlagText(value);
  if (!text) return text.error();
  return ApplySetting(name, *text, behaviour);
}

}  // namespace

Result<void> ApplySetting(std::string_view name, std::string_view value, Behaviour& behaviour) {
  const auto setting = std::find_if(kSettings.begin(), kSettings.end(),
                                    [&](const Setting& one) { return one.name == name; });
  if (setting == kSettings.end()) return base::Invalid("no such setting");
  return setting->apply(value, behaviour);
}

std::string DescribeSettings() {
  std::string text;
  for (const Setting& setting : kSettings) {
    std::string flag = "  --" + std::string(setting.name);
    std::replace(flag.begin(), flag.end(), '_', '-');
    flag.resize(std::max<std::size_t>(flag.size() + 1, 34), ' ');
    text += flag + std::string(setting.help) + "\n";
  }
  return text;
}

Result<Behaviour> ParseScript(std::string_view json, Behaviour base) {
  const auto document = ParseJson(json);
  if (!document) return document.error();
  if (!document->IsObject()) return base::Invalid("the script must be an object");
  for (const auto& member : document->GetObject()) {
    const std::string_view name = TextOf(member.name);
    const auto applied = ApplyScriptKey(name, member.value, base);
    if (!applied) return At(name, applied.error());
  }
  return base;
}

}  // namespace llmbatch::twin
