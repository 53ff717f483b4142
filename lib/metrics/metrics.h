// Metrics: every metric of the daemon, counted as the core observes it and shown as Prometheus
// reads it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ports/observe.h"

namespace llmbatch::metrics {

struct BuildInfo {
  std::string version;
  std::string instance;
  double started_at_s = 0;  // since 1970
};

// Label values that a family has no room for any more (1,000 combinations) are counted under
// "other".
class Metrics {
 public:
  explicit Metrics(const BuildInfo& build);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Main thread only. Values that are no finite number, and counts below 0, are left out.
  void Apply(const ports::Observe& observation);
  // How far a partition's reading is behind. Main thread only.
  void SetLag(std::string_view topic, std::int32_t partition, std::int64_t records);
  // The partition belongs to another replica now, so its lag isn't ours to tell. Main thread only.
  void ForgetLag(std::string_view topic, std::int32_t partition);

  // All metrics in Prometheus' text format. From any thread.
  std::string Scrape() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmbatch::metrics
