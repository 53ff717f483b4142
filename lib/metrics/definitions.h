// Definitions: how each metric that the core reports is called, explained and divided.
#pragma once

#include <array>
#include <span>

#include "ports/observe.h"

namespace llmbatch::metrics {

enum class Type { kCounter, kGauge, kHistogram };

struct Definition {
  ports::Metric metric = ports::Metric::kCount;
  Type type = Type::kCounter;
  const char* name = "";
  const char* help = "";
  std::array<const char*, ports::kMaxLabels> labels{};  // nullptr behind the last one
  std::span<const double> buckets;                      // upper bounds; of histograms only
};

// All of them, each at the place of its number in ports::Metric.
std::span<const Definition> AllDefinitions();

}  // namespace llmbatch::metrics
