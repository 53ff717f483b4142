#include "twin/faults.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace llmbatch::twin {
namespace {

struct NamedKind {
  std::string_view name;
  FaultKind kind;
  bool can_be_asked_for = true;
};

constexpr std::array kNames = {
    NamedKind{"none", FaultKind::kNone},
    NamedKind{"insufficient_quota", FaultKind::kInsufficientQuota},
    NamedKind{"context_length_exceeded", FaultKind::kContextLengthExceeded},
    NamedKind{"slow_down", FaultKind::kSlowDown},
    NamedKind{"timeout", FaultKind::kTimeout},
    NamedKind{"stall", FaultKind::kStall},
    NamedKind{"reset", FaultKind::kReset},
    NamedKind{"close_mid_body", FaultKind::kCloseMidBody},
    NamedKind{"half_close", FaultKind::kHalfClose},
    NamedKind{"truncated", FaultKind::kTruncated},
    NamedKind{"garbled", FaultKind::kGarbled},
    NamedKind{"fenced", FaultKind::kFenced},
    NamedKind{"prose", FaultKind::kProse},
    NamedKind{"missing", FaultKind::kMissing},
    NamedKind{"swapped", FaultKind::kSwapped},
    NamedKind{"duplicated", FaultKind::kDuplicated},
    NamedKind{"reordered", FaultKind::kReordered},
    NamedKind{"merged", FaultKind::kMerged},
    NamedKind{"foreign", FaultKind::kForeign},
    NamedKind{"empty", FaultKind::kEmpty},
    NamedKind{"refusal", FaultKind::kRefusal},
    NamedKind{"content_filter", FaultKind::kContentFilter},
    NamedKind{"no_usage", FaultKind::kNoUsage},
    NamedKind{"error_in_200", FaultKind::kErrorIn200},
    NamedKind{"stream_cut", FaultKind::kStreamCut},
    NamedKind{"stream_error", FaultKind::kStreamError},
    NamedKind{"stream_garbage", FaultKind::kStreamGarbage},
    NamedKind{"requests_per_minute", FaultKind::kRequestLimit, false},
    NamedKind{"tokens_per_minute", FaultKind::kTokenLimit, false},
    NamedKind{"concurrency", FaultKind::kConcurrencyLimit, false},
    NamedKind{"bad_request", FaultKind::kBadRequest, false},
};

base::Result<double> ParseProbability(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1)) {
    return base::Invalid("a rate must be a number from 0 to 1");
  }
  return value;
}

}  // namespace

bool IsAnswerFault(FaultKind kind) {
  return kind >= FaultKind::kTruncated && kind <= FaultKind::kStreamGarbage;
}

bool IsStreamFault(FaultKind kind) {
  return kind >= FaultKind::kStreamCut && kind <= FaultKind::kStreamGarbage;
}

bool IsWireFault(FaultKind kind) {
  return kind >= FaultKind::kTimeout && kind <= FaultKind::kHalfClose;
}

std::string FaultName(const Fault& fault) {
  if (fault.kind == FaultKind::kStatus) return std::to_string(fault.status);
  const auto named = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const NamedKind& one) { return one.kind == fault.kind; });
  return named == kNames.end() ? "none" : std::string(named->name);
}

base::Result<Fault> ParseFault(std::string_view name) {
  int status = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), status);
  if (error == std::errc() && end == name.data() + name.size()) {
    if (status < 400 || status > 599) return base::Invalid("a fault's status must be 400-599");
    return Fault{.kind = FaultKind::kStatus, .status = status};
  }
  const auto named = std::find_if(kNames.begin(), kNames.end(), [&](const NamedKind& one) {
    return one.can_be_asked_for && one.name == name;
  });
  if (named == kNames.end()) return base::Invalid("no such fault: " + std::string(name));
  return Fault{.kind = named->kind};
}

base::Result<FaultRates> FaultRates::Parse(std::string_view text) {
  FaultRates rates;
  double total = 0;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(entry.size() + 1, text.size()));
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos) return base::Invalid("rates are written name=0.1,…");
    const auto fault = ParseFault(entry.substr(0, equals));
    if (!fault) return fault.error();
    const auto probability = ParseProbability(entry.substr(equals + 1));
    if (!probability) return probability.error();
    if (fault->kind == FaultKind::kMissing) {
      rates.missing_rate_ = *probability;
      continue;
    }
    total += *probability;
    rates.rates_.push_back({*fault, *probability});
  }
  if (total > 1 + 1e-9) return base::Invalid("the rates add up to more than 1");
  return rates;
}

Fault FaultRates::Draw(base::Rng& rng) const {
  if (rates_.empty()) return {};
  double left = rng.Unit();
  for (const Rate& rate : rates_) {
    if (left < rate.probability) return rate.fault;
    left -= rate.probability;
  }
  return {};
}

bool FaultRates::ContainsOnlyAnswerFaults() const {
  return std::all_of(rates_.begin(), rates_.end(),
                     [](const Rate& rate) { return IsAnswerFault(rate.fault.kind); });
}

bool FaultRates::ContainsNoAnswerFaults() const {
  return missing_rate_ == 0 && std::none_of(rates_.begin(), rates_.end(), [](const Rate& rate) {
           return IsAnswerFault(rate.fault.kind);
         });
}

}  // namespace llmbatch::twin
