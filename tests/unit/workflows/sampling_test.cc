#include "workflows/classification/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace llmbatch::workflows {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Session> Sessions(std::size_t count) {
  std::vector<Session> sessions(count);
  for (std::size_t i = 0; i < count; ++i) {
    sessions[i].length = i * 37 % 300;
    sessions[i].containment = static_cast<Containment>(i % 10 == 0 ? 2 : i % 2);
    sessions[i].started_at = base::WallTime(std::chrono::hours(i * 7 % count));
  }
  return sessions;
}

TEST(SampleSize, IsAShareOfTheSessionsWithinBounds) {
  const ClassificationConfig config;
  const struct {
    std::size_t sessions, expected;
  } cases[] = {{1, 1},    {49, 49},  {50, 50},     {300, 50},
               {340, 51}, {600, 90}, {1'000, 150}, {9'000, 150}};
  for (const auto& each : cases) EXPECT_EQ(SampleSize(each.sessions, config), each.expected);
}

TEST(DiverseSample, TakesEachSessionOnceInTheirOrder) {
  for (const std::size_t count : {1U, 2U, 9U, 100U, 613U}) {
    const auto sessions = Sessions(count);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, count / 3, count}) {
      const auto sample = DiverseSample(sessions, size, 1);
      EXPECT_THAT(sample, SizeIs(size));
      EXPECT_TRUE(std::is_sorted(sample.begin(), sample.end()));
      EXPECT_EQ(std::set<std::size_t>(sample.begin(), sample.end()).size(), size);
    }
  }
}

TEST(DiverseSample, IsTheSameForTheSameSeed) {
  const auto sessions = Sessions(400);
  EXPECT_EQ(DiverseSample(sessions, 60, 7), DiverseSample(sessions, 60, 7));
  EXPECT_NE(DiverseSample(sessions, 60, 7), DiverseSample(sessions, 60, 8));
}

// One session in a hundred is of a kind of its own: it is among fifty, whatever the seed.
TEST(DiverseSample, HasEveryCombinationOfLengthAndContainment) {
  std::vector<Session> sessions(300);
  for (std::size_t i = 0; i < sessions.size(); ++i) sessions[i].length = 10 + i % 3 * 100;
  sessions[123].containment = Containment::kDropOff;
  sessions[200].containment = Containment::kSelfService;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto sample = DiverseSample(sessions, 50, seed);
    EXPECT_THAT(sample, testing::IsSupersetOf({std::size_t{123}, std::size_t{200}}));
    int by_length[3] = {};
    for (const std::size_t each : sample) ++by_length[each % 3];
    for (const int count : by_length) EXPECT_NEAR(count, 17, 1);
  }
}

TEST(DiverseSample, IsSpreadOverTime) {
  std::vector<Session> sessions(1'000);
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    sessions[i].length = 1;
    sessions[i].started_at = base::WallTime(std::chrono::hours(i * 617 % 1'000));
  }
  int by_quarter[4] = {};
  for (const std::size_t each : DiverseSample(sessions, 100, 3))
    ++by_quarter[each * 617 % 1'000 / 250];
  for (const int count : by_quarter) EXPECT_EQ(count, 25);
}

}  // namespace
}  // namespace llmbatch::workflows
