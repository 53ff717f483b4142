// Batches that are planned by calibrated estimates, against what the tokenizer counts.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "tokens/calibration.h"
#include "tokens/estimator.h"
#include "unit/tokens/samples.h"

namespace llmbatch::tokens {
namespace {

constexpr std::int64_t kBound = 16'000;
constexpr int kItems = 20'000;
constexpr int kWarmUpBatches = 10;

struct Item {
  std::int64_t estimated = 0;
  std::int64_t actual = 0;
};

std::vector<Item> Texts() {
  std::vector<Item> texts;
  for (const Sample& sample : kSamples) {
    texts.push_back(
        {EstimateTokens(sample.text, Method::kClasses, Family::kO200k), sample.true_tokens});
  }
  return texts;
}

// An item of one to eight texts, drawn from those of kSamples in [first, first + count).
Item DrawItem(base::Rng& rng, std::size_t first, std::size_t count) {
  static const std::vector<Item> all = Texts();
  Item item;
  const std::uint64_t texts = 1 + rng.Below(8);
  for (std::uint64_t i = 0; i < texts; ++i) {
    const Item& text = all[first + rng.Below(count)];
    item.estimated += text.estimated;
    item.actual += text.actual;
  }
  return item;
}

struct Outcome {
  int batches = 0;  // after the warm-up
  int over = 0;     // those that pass the bound in truth
  double filled = 0;

  friend void PrintTo(const Outcome& outcome, std::ostream* out) {
    *out << outcome.over << " of " << outcome.batches << " over, filled to "
         << outcome.filled / outcome.batches;
  }
};

Outcome Pack(const std::vector<Item>& items) {
  Outcome outcome;
  Calibration calibration;
  Item batch;
  int closed = 0;
  for (const Item& item : items) {
    if (calibration.Calibrated(batch.estimated + item.estimated) > kBound) {
      calibration.Observe(batch.estimated, batch.actual);
      if (++closed > kWarmUpBatches) {
        ++outcome.batches;
        outcome.over += batch.actual > kBound ? 1 : 0;
        outcome.filled += static_cast<double>(batch.actual) / static_cast<double>(kBound);
      }
      batch = {};
    }
    batch.estimated += item.estimated;
    batch.actual += item.actual;
  }
  return outcome;
}

void ExpectWithinBound(const Outcome& outcome) {
  EXPECT_GT(outcome.batches, 50);
  EXPECT_LT(outcome.over, 0.005 * outcome.batches) << testing::PrintToString(outcome);
  EXPECT_GT(outcome.filled / outcome.batches, 0.9) << testing::PrintToString(outcome);
}

TEST(Bound, IsKeptByBatchesOfAllKindsOfTexts) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    base::Rng rng(seed);
    std::vector<Item> items;
    for (int i = 0; i < kItems; ++i) items.push_back(DrawItem(rng, 0, std::size(kSamples)));
    ExpectWithinBound(Pack(items));
  }
}

TEST(Bound, IsKeptByBatchesOfOneKind) {
  for (std::size_t kind = 0; kind < std::size(kSamples); ++kind) {
    SCOPED_TRACE(kSamples[kind].name);
    base::Rng rng(kind);
    std::vector<Item> items;
    for (int i = 0; i < kItems; ++i) items.push_back(DrawItem(rng, kind, 1));
    ExpectWithinBound(Pack(items));
  }
}

}  // namespace
}  // namespace llmbatch::tokens
