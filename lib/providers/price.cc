#include "providers/price.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace llmbatch::providers {
namespace {

// Products of two 64-bit numbers.
__extension__ using Wide = unsigned __int128;

constexpr std::int64_t kTokensOfPrice = 1000;
constexpr Wide kMaxNanos = INT64_MAX;

Wide Widen(std::int64_t number) { return static_cast<Wide>(std::max<std::int64_t>(number, 0)); }

// Neither read from the provider's cache nor written to it.
std::int64_t UncachedInput(const model::Usage& usage) {
  return usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens;
}

std::vector<std::int64_t> Divide(std::int64_t total, std::span<const std::int64_t> weights) {
  Wide sum = 0;
  for (const std::int64_t weight : weights) sum += Widen(weight);
  const bool equal = sum == 0;
  if (equal) sum = weights.size();

  std::vector<std::int64_t> parts(weights.size());
  std::vector<Wide> remainders(weights.size());
  std::int64_t left = total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Wide product = Widen(total) * (equal ? Wide{1} : Widen(weights[i]));
    parts[i] = static_cast<std::int64_t>(product / sum);
    remainders[i] = product % sum;
    left -= parts[i];
  }
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&remainders](std::size_t a, std::size_t b) {
    return remainders[a] > remainders[b];
  });
  // Less than one is left over for each part that was rounded down.
  for (std::size_t i = 0; i < order.size() && left > 0; ++i, --left) ++parts[order[i]];
  return parts;
}

}  // namespace

std::optional<model::NanoUsd> CostOf(const model::Usage& usage,
                                     const std::optional<model::ModelPrice>& price) {
  if (!price) return std::nullopt;
  const std::int64_t short_write = usage.cache_write_tokens - usage.long_cache_write_tokens;
  const std::pair<std::int64_t, std::int64_t> parts[] = {
      {UncachedInput(usage), price->input_nanos_per_1k},
      {usage.cached_input_tokens, price->cached_input_nanos_per_1k},
      {short_write, price->cache_write_nanos_per_1k},
      {usage.long_cache_write_tokens, price->long_cache_write_nanos_per_1k},
      {usage.output_tokens - usage.reasoning_tokens, price->output_nanos_per_1k},
      {usage.reasoning_tokens, price->reasoning_nanos_per_1k.value_or(price->output_nanos_per_1k)},
  };
  Wide thousandths = 0;
  for (const auto& [tokens, nanos_per_1k] : parts) {
    if (tokens < 0 || nanos_per_1k < 0) return std::nullopt;
    thousandths += Widen(tokens) * Widen(nanos_per_1k);
  }
  const Wide nanos = (thousandths + kTokensOfPrice / 2) / kTokensOfPrice;
  if (nanos > kMaxNanos) return std::nullopt;
  return model::NanoUsd{static_cast<std::int64_t>(nanos)};
}

std::optional<model::ModelPrice> PriceFor(const model::PriceList& prices, const PricedCall& call) {
  const model::PriceRow* best = nullptr;
  for (const model::PriceRow& row : prices) {
    if (row.tier != call.tier || call.at < row.valid_from || call.at >= row.valid_until) continue;
    // A step of 0 is none: it holds for a call without input, too.
    if (row.above_input_tokens > 0 && call.input_tokens <= row.above_input_tokens) continue;
    if (best == nullptr || std::pair(row.valid_from, row.above_input_tokens) >
                               std::pair(best->valid_from, best->above_input_tokens)) {
      best = &row;
    }
  }
  return best == nullptr ? std::nullopt : std::optional(best->price);
}

std::optional<model::NanoUsd> CostOf(const model::Usage& usage, const model::PriceList& prices,
                                     std::string_view tier, base::WallTime at) {
  return CostOf(usage,
                PriceFor(prices, {.tier = tier, .input_tokens = usage.input_tokens, .at = at}));
}

std::vector<model::NanoUsd> ShareOut(model::NanoUsd total, std::span<const std::int64_t> weights) {
  std::vector<model::NanoUsd> parts;
  parts.reserve(weights.size());
  for (const std::int64_t nanos : Divide(total.nanos, weights)) parts.push_back({nanos});
  return parts;
}

std::vector<model::Usage> ShareOut(const model::Usage& total,
                                   std::span<const std::int64_t> weights) {
  // A part and the rest of its whole are divided on their own, so that no part passes its whole.
  const auto cached = Divide(total.cached_input_tokens, weights);
  const auto long_write = Divide(total.long_cache_write_tokens, weights);
  const auto short_write =
      Divide(total.cache_write_tokens - total.long_cache_write_tokens, weights);
  const auto uncached = Divide(UncachedInput(total), weights);
  const auto reasoning = Divide(total.reasoning_tokens, weights);
  const auto visible = Divide(total.output_tokens - total.reasoning_tokens, weights);
  std::vector<model::Usage> parts(weights.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::int64_t written = short_write[i] + long_write[i];
    parts[i] = {.input_tokens = cached[i] + written + uncached[i],
                .cached_input_tokens = cached[i],
                .cache_write_tokens = written,
                .long_cache_write_tokens = long_write[i],
                .output_tokens = reasoning[i] + visible[i],
                .reasoning_tokens = reasoning[i]};
  }
  return parts;
}

}  // namespace llmbatch::providers
