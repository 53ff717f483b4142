// Which sessions are looked at first: few of them, as different from each other as all are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "workflows/classification/classification_request.h"

namespace llmbatch::workflows {

// As many as the target percentage says, within the least and the most, never more than there are.
std::size_t SampleSize(std::size_t sessions, const ClassificationConfig& config);

// `size` of the sessions, by index, in their order. Each combination of length (short, medium,
// long) and containment has its share, at least one if there is room for it, spread over the time
// that it covers. The same seed gives the same sample. REQUIRES: size <= sessions.size()
std::vector<std::size_t> DiverseSample(std::span<const Session> sessions, std::size_t size,
                                       std::uint64_t seed);

}  // namespace llmbatch::workflows
