#include "workflows/classification/sampling.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/check.h"
#include "base/rng.h"

namespace llmbatch::workflows {
namespace {

constexpr std::size_t kLengths = 3;
constexpr std::size_t kStrata = kLengths * 3;
constexpr std::int64_t kWhole = 100;

struct Stratum {
  std::vector<std::size_t> sessions;
  std::size_t share = 0;
};

std::array<Stratum, kStrata> Stratify(std::span<const Session> sessions) {
  std::vector<std::size_t> lengths;
  lengths.reserve(sessions.size());
  for (const Session& each : sessions) lengths.push_back(each.length);
  std::sort(lengths.begin(), lengths.end());
  const std::size_t longest_short = lengths[(lengths.size() - 1) / kLengths];
  const std::size_t longest_medium = lengths[(lengths.size() - 1) * 2 / kLengths];
  std::array<Stratum, kStrata> strata;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const std::size_t length = sessions[i].length;
    const std::size_t kind = length <= longest_short ? 0 : length <= longest_medium ? 1 : 2;
    const auto containment = static_cast<std::size_t>(sessions[i].containment);
    strata[containment * kLengths + kind].sessions.push_back(i);
  }
  return strata;
}

// Proportional; what rounding leaves goes to those that lost the most by it.
void Share(std::array<Stratum, kStrata>& strata, std::size_t sessions, std::size_t size) {
  std::vector<std::size_t> filled;
  std::size_t given = 0;
  for (std::size_t i = 0; i < kStrata; ++i) {
    if (strata[i].sessions.empty()) continue;
    filled.push_back(i);
    strata[i].share = strata[i].sessions.size() * size / sessions;
    given += strata[i].share;
  }
  const auto lost = [&](std::size_t i) { return strata[i].sessions.size() * size % sessions; };
  std::stable_sort(filled.begin(), filled.end(),
                   [&](std::size_t a, std::size_t b) { return lost(a) > lost(b); });
  for (std::size_t next = 0; given < size; next = (next + 1) % filled.size()) {
    Stratum& stratum = strata[filled[next]];
    if (stratum.share >= stratum.sessions.size()) continue;
    ++stratum.share;
    ++given;
  }
  if (size < filled.size()) return;
  for (const std::size_t i : filled) {
    if (strata[i].share > 0) continue;
    const auto richest =
        std::max_element(strata.begin(), strata.end(),
                         [](const Stratum& a, const Stratum& b) { return a.share < b.share; });
    --richest->share;
    ++strata[i].share;
  }
}

// In the order of time; sessions without a start come after the others.
void SortByTime(std::vector<std::size_t>& members, std::span<const Session> sessions) {
  std::stable_sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
    const auto& first = sessions[a].started_at;
    const auto& second = sessions[b].started_at;
    if (first.has_value() != second.has_value()) return first.has_value();
    return first && *first < *second;
  });
}

}  // namespace

std::size_t SampleSize(std::size_t sessions, const ClassificationConfig& config) {
  const auto all = static_cast<std::int64_t>(sessions);
  const std::int64_t wanted = (all * config.discovery_target_percentage + kWhole - 1) / kWhole;
  return static_cast<std::size_t>(std::min(
      all, std::clamp(wanted, config.discovery_min_sessions, config.discovery_max_sessions)));
}

std::vector<std::size_t> DiverseSample(std::span<const Session> sessions, std::size_t size,
                                       std::uint64_t seed) {
  LLMBATCH_CHECK(size <= sessions.size());
  std::vector<std::size_t> sample;
  if (size == 0) return sample;
  base::Rng rng(seed);
  auto strata = Stratify(sessions);
  Share(strata, sessions.size(), size);
  for (Stratum& stratum : strata) {
    SortByTime(stratum.sessions, sessions);
    // One from each of `share` stretches of the same length.
    const double stretch = static_cast<double>(stratum.sessions.size()) /
                           static_cast<double>(std::max<std::size_t>(1, stratum.share));
    for (std::size_t i = 0; i < stratum.share; ++i) {
      const auto first = static_cast<std::size_t>(static_cast<double>(i) * stretch);
      const auto end = std::max(
          first + 1, std::min(stratum.sessions.size(),
                              static_cast<std::size_t>(static_cast<double>(i + 1) * stretch)));
      sample.push_back(stratum.sessions[first + rng.Below(end - first)]);
    }
  }
  std::sort(sample.begin(), sample.end());
  return sample;
}

}  // namespace llmbatch::workflows
