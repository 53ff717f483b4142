// [models."provider/model"]: the prices, its own and those of its list `prices`.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/sections.h"
#include "config/values.h"
#include "model/money.h"

namespace llmbatch::config {
namespace {

constexpr std::string_view kInput = "input_usd_per_million";
constexpr std::string_view kCachedInput = "cached_input_usd_per_million";
constexpr std::string_view kOutput = "output_usd_per_million";
constexpr std::string_view kReasoning = "reasoning_usd_per_million";
constexpr std::string_view kCacheWrite = "cache_write_usd_per_million";
constexpr std::string_view kLongCacheWrite = "long_cache_write_usd_per_million";

// Dollars per million tokens, written as a text so that no digit is lost.
std::optional<std::int64_t> ReadPrice(Section& section, std::string_view key) {
  constexpr std::int64_t kThousandsInAMillion = 1000;
  if (!section.Has(key)) {
    section.Known(key);
    return std::nullopt;
  }
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

// nullopt: the table has no prices.
std::optional<model::ModelPrice> ReadPrices(Section& section) {
  const auto input = ReadPrice(section, kInput);
  const auto cached = ReadPrice(section, kCachedInput);
  const auto output = ReadPrice(section, kOutput);
  const auto reasoning = ReadPrice(section, kReasoning);
  const auto write = ReadPrice(section, kCacheWrite);
  const auto long_write = ReadPrice(section, kLongCacheWrite);
  if (!input && !cached && !output && !reasoning && !write && !long_write) return std::nullopt;
  for (const std::string_view key : {kInput, kOutput}) {
    if (!section.Has(key)) section.Fail(key, "missing: a price needs both input and output");
  }
  const std::int64_t input_price = input.value_or(0);
  const std::int64_t write_price = write.value_or(input_price);
  return model::ModelPrice{.input_nanos_per_1k = input_price,
                           .cached_input_nanos_per_1k = cached.value_or(input_price),
                           .output_nanos_per_1k = output.value_or(0),
                           .cache_write_nanos_per_1k = write_price,
                           .long_cache_write_nanos_per_1k = long_write.value_or(write_price),
                           .reasoning_nanos_per_1k = reasoning};
}

std::string ToText(const toml::date& date) {
  const auto digits = [](int number, std::size_t width) {
    const std::string text = std::to_string(number);
    return std::string(width - std::min(width, text.size()), '0') + text;
  };
  return digits(date.year, 4) + "-" + digits(date.month, 2) + "-" + digits(date.day, 2);
}

// The beginning of that day in UTC, `days` later; nullopt if the key isn't there.
std::optional<base::WallTime> ReadDay(Section& section, std::string_view key, int days) {
  const toml::node* node = section.Any(key, toml::node_type::date);
  if (node == nullptr) return std::nullopt;
  const std::string text = ToText(node->as_date()->get());
  section.Note(key, text);
  const auto day = base::ParseRfc3339(text + "T00:00:00Z");
  if (!day) {
    section.Fail(key, "must be a date between 1970 and 2200");
    return std::nullopt;
  }
  return *day + std::chrono::hours(24) * days;
}

void ReadValidity(model::PriceRow& row, Section& section) {
  row.valid_from = ReadDay(section, "valid_from", 0).value_or(row.valid_from);
  row.valid_until = ReadDay(section, "valid_until", 1).value_or(row.valid_until);
  if (row.valid_until <= row.valid_from) section.Fail("valid_until", "is before valid_from");
}

// One element of `prices`: a row for each of its tiers.
void ReadRows(Section& section, model::PriceList& list) {
  constexpr IntRange kTokens{.min = 0, .max = 100'000'000};
  model::PriceRow row;
  const std::vector<std::string> tiers = section.Strings("tier", {row.tier});
  row.above_input_tokens = section.Int("above_input_tokens", row.above_input_tokens, kTokens);
  ReadValidity(row, section);
  const auto price = ReadPrices(section);
  section.RefuseOthers();
  if (!price) return section.Fail(kInput, "missing: a row of prices needs input and output");
  row.price = *price;
  for (const std::string& tier : tiers) {
    row.tier = tier;
    if (!IsName(tier)) section.Fail("tier", "must be 1 to 64 of A–Z a–z 0–9 . _ -");
    const auto clashes = [&row](const model::PriceRow& other) {
      return other.tier == row.tier && other.above_input_tokens == row.above_input_tokens &&
             other.valid_from == row.valid_from;
    };
    if (std::any_of(list.begin(), list.end(), clashes)) {
      section.Fail("tier", "\"" + tier +
                               "\" has another row with the same above_input_tokens and "
                               "valid_from");
    }
    list.push_back(row);
  }
}

}  // namespace

model::PriceList ReadPriceList(Section& section) {
  model::PriceList list;
  model::PriceRow row;
  ReadValidity(row, section);
  if (const toml::node* node = section.Any("as_of", toml::node_type::date)) {
    section.Note("as_of", ToText(node->as_date()->get()));
  }
  if (const auto price = ReadPrices(section)) {
    row.price = *price;
    list.push_back(row);
  }
  for (Section& each : section.Tables("prices")) ReadRows(each, list);
  return list;
}

}  // namespace llmbatch::config
