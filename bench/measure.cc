#include "measure.h"

#include <sys/resource.h>

#include <cstdio>

#include "processor_time.h"

namespace llmbatch::bench {

Stopwatch::Stopwatch() : begin_(std::chrono::steady_clock::now()), cpu_begin_(ProcessSeconds()) {}

Cost Stopwatch::Read() const {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin_;
  return {.seconds = passed.count(), .cpu_seconds = ProcessSeconds() - cpu_begin_};
}

std::int64_t PeakResidentKib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

std::string Report(const std::string& mode, std::int64_t operations, const Cost& cost,
                   double ideal_seconds) {
  const auto count = static_cast<double>(operations);
  char text[512];
  std::snprintf(text, sizeof text,
                "{\"mode\":\"%s\",\"operations\":%lld,\"seconds\":%.3f,\"per_second\":%.0f,"
                "\"cpu_us_each\":%.2f,\"percent_of_ideal\":%.2f,\"peak_rss_kib\":%lld}",
                mode.c_str(), static_cast<long long>(operations), cost.seconds,
                count / cost.seconds, cost.cpu_seconds / count * 1e6,
                100 * ideal_seconds / cost.seconds, static_cast<long long>(PeakResidentKib()));
  return text;
}

}  // namespace llmbatch::bench
