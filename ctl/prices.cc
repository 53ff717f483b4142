#include "ctl/prices.h"

#include <optional>
#include <string_view>

#include "ctl/text.h"
#include "json/writer.h"

namespace llmbatch::ctl {
namespace {

constexpr std::string_view kPrefix = "models.\"";

// models."openai/gpt-6-luna" → openai/gpt-6-luna; empty: another section.
std::string ModelOf(const std::string& section) {
  if (!section.starts_with(kPrefix) || !section.ends_with('"')) return {};
  return section.substr(kPrefix.size(), section.size() - kPrefix.size() - 1);
}

PriceState StateOf(const std::string& as_of, base::WallTime now, base::Duration max_age) {
  if (as_of.empty()) return PriceState::kUndated;
  const auto date = base::ParseRfc3339(as_of + "T00:00:00Z");
  if (!date) return PriceState::kUndated;
  // A day's grace, since dates are written in some other zone.
  if (*date > now + std::chrono::hours(24)) return PriceState::kFuture;
  return now - *date > max_age ? PriceState::kOld : PriceState::kFresh;
}

std::string_view ToString(PriceState state) {
  switch (state) {
    case PriceState::kFresh:
      return "fresh";
    case PriceState::kOld:
      return "old";
    case PriceState::kUndated:
      return "undated";
    case PriceState::kFuture:
      return "future";
    case PriceState::kMissing:
      return "missing";
  }
  return "missing";
}

}  // namespace

std::vector<PriceEntry> CheckPrices(const std::vector<config::ConfigValue>& values,
                                    const std::set<std::string>& used, base::WallTime now,
                                    base::Duration max_age) {
  std::vector<PriceEntry> entries;
  std::optional<PriceEntry> current;
  bool has_price = false;
  const auto finish = [&] {
    if (!current) return;
    current->state = has_price ? StateOf(current->as_of, now, max_age) : PriceState::kMissing;
    if (has_price || current->is_used) entries.push_back(*current);
    current.reset();
    has_price = false;
  };
  for (const config::ConfigValue& value : values) {
    const std::string model = ModelOf(value.section);
    if (!current || current->model != model) {
      finish();
      if (model.empty()) continue;
      current = PriceEntry{.model = model, .source = value.source, .is_used = used.contains(model)};
    }
    if (value.key == "input_usd_per_million") {
      has_price = true;
      current->source = value.source;
    }
    if (value.key == "as_of") current->as_of = value.value;
  }
  finish();
  return entries;
}

bool IsWarning(const PriceEntry& entry) { return entry.state != PriceState::kFresh; }

std::string TableOf(const std::vector<PriceEntry>& entries) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(entries.size());
  for (const PriceEntry& entry : entries) {
    rows.push_back({Printable(entry.model), std::string(ToString(entry.state)), entry.as_of,
                    entry.is_used ? "yes" : "no", Printable(entry.source)});
  }
  return Table({"MODEL", "PRICE", "AS OF", "USED", "WHERE"}, rows);
}

std::string JsonOf(const PriceEntry& entry) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("model").String(entry.model);
  writer.Key("price").String(ToString(entry.state));
  if (!entry.as_of.empty()) writer.Key("as_of").String(entry.as_of);
  writer.Key("used").Bool(entry.is_used);
  writer.Key("source").String(entry.source);
  writer.EndObject();
  return writer.Take();
}

}  // namespace llmbatch::ctl
