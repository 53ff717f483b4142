#include "offsets/done_map.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/base64.h"
#include "base/rng.h"

namespace llmbatch::offsets {
namespace {

// Each offset from `base` on is done with the given probability.
DoneRanges SomeDone(base::Rng& rng, std::int64_t base, std::int64_t span, double probability) {
  DoneRanges done;
  for (std::int64_t offset = base + 1; offset < base + span; ++offset) {
    if (!rng.Chance(probability)) continue;
    if (!done.empty() && done.back().end == offset) {
      ++done.back().end;
    } else {
      done.push_back({.begin = offset, .end = offset + 1});
    }
  }
  return done;
}

TEST(DoneMap, IsEmptyWhereNothingIsDone) {
  EXPECT_EQ(EncodeDoneMap(5, {}), "");
  EXPECT_EQ(DecodeDoneMap(5, ""), DoneRanges{});
}

TEST(DoneMap, IsReadAsItWasWritten) {
  struct Case {
    const char* what;
    std::int64_t base;
    DoneRanges done;
  };
  const std::vector<Case> cases = {
      {"the first of all", 0, {{0, 1}}},
      {"one behind an open one", 7, {{8, 9}}},
      {"many behind one that is stuck", 100, {{101, 1'000'101}}},
      {"every second one", 0, {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}, {11, 12}}},
      {"far apart", 3, {{4, 5}, {4'000'000'000'000, 4'000'000'000'001}}},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(DecodeDoneMap(each.base, EncodeDoneMap(each.base, each.done)), each.done)
        << each.what;
  }
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    base::Rng rng(seed);
    const auto base = static_cast<std::int64_t>(rng.Below(1'000'000));
    const auto span = static_cast<std::int64_t>(rng.Below(10'000)) + 2;
    const DoneRanges done = SomeDone(rng, base, span, rng.Unit());
    ASSERT_EQ(DecodeDoneMap(base, EncodeDoneMap(base, done)), done) << "seed " << seed;
  }
}

TEST(DoneMap, TakesTheShorterCoding) {
  EXPECT_LE(EncodeDoneMap(0, {{1, 1'000'000}}).size(), 16U);
  base::Rng rng(1);
  // 10,000 offsets, half of them done, are a bitset of 1,250 bytes.
  EXPECT_LE(EncodeDoneMap(0, SomeDone(rng, 0, 10'000, 0.5)).size(), 1'676U);
}

TEST(DoneMap, AlwaysFitsAndThenLeavesOutTheEnd) {
  for (const double probability : {0.02, 0.5, 0.98}) {
    base::Rng rng(7);
    const DoneRanges all = SomeDone(rng, 50, 200'000, probability);
    const std::string text = EncodeDoneMap(50, all);
    ASSERT_LE(text.size(), kMaxMetadataBytes);
    const auto read = DecodeDoneMap(50, text);
    ASSERT_TRUE(read.has_value());
    ASSERT_GT(read->size(), 500U);
    // What is left is a beginning of the whole; its last range may have been cut.
    for (std::size_t i = 0; i + 1 < read->size(); ++i) ASSERT_EQ((*read)[i], all[i]);
    EXPECT_EQ(read->back().begin, all[read->size() - 1].begin);
    EXPECT_LE(read->back().end, all[read->size() - 1].end);
  }
}

TEST(DoneMap, FitsWholeWithinTheLimitsOfAPartition) {
  // The limits that pause a partition: 500 records open however far apart, or a span of 10,000.
  DoneRanges apart;
  for (std::int64_t i = 0; i < 500; ++i) apart.push_back({i * 2'000 + 1, (i + 1) * 2'000});
  EXPECT_EQ(DecodeDoneMap(0, EncodeDoneMap(0, apart)), apart);
  DoneRanges near;
  for (std::int64_t i = 0; i < 5'000; ++i) near.push_back({2 * i + 1, 2 * i + 2});
  EXPECT_EQ(DecodeDoneMap(0, EncodeDoneMap(0, near)), near);
}

TEST(DoneMap, RefusesWhatIsNone) {
  const auto coded = [](std::string_view bytes) {
    std::string text(bytes);
    return base::EncodeBase64(text.insert(1, DoneMapCheckSum(5, bytes)));
  };
  using std::string_view_literals::operator""sv;
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"no base64", "%%%"},
      {"another program's text", "hello world, this is mine"},
      {"another offset's map", EncodeDoneMap(6, {{7, 9}})},
      {"without a check sum", base::EncodeBase64("\x01\x01\x01"sv)},
      {"only a version", coded("\x01"sv)},
      {"an unknown version", coded("\x09\x01\x01"sv)},
      {"a run without its end", coded("\x01\x01"sv)},
      {"a varint without its end", coded("\x01\x80"sv)},
      {"a varint that is too long",
       coded("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"sv)},
      {"a run of nothing", coded("\x01\x01\x00"sv)},
      {"two runs that touch", coded("\x01\x01\x01\x00\x01"sv)},
      {"runs beyond the last offset",
       coded("\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv)},
      {"too long", std::string(4'100, 'A')},
  };
  for (const auto& [what, text] : cases) {
    EXPECT_FALSE(DecodeDoneMap(5, text).has_value()) << what;
  }
  EXPECT_EQ(DecodeDoneMap(5, coded("\x01\x01\x01"sv)), (DoneRanges{{6, 7}})) << "but this is one";
  EXPECT_FALSE(DecodeDoneMap(-1, EncodeDoneMap(-1, {{0, 1}})).has_value()) << "without an offset";
}

}  // namespace
}  // namespace llmbatch::offsets
