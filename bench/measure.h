// What a run costs: time passed and processor time of the whole process.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace llmbatch::bench {

struct Cost {
  double seconds = 0;
  double cpu_seconds = 0;  // user and system, all threads
};

class Stopwatch {
 public:
  Stopwatch();
  Cost Read() const;

 private:
  std::chrono::steady_clock::time_point begin_;
  double cpu_begin_;
};

// The highest resident memory of the process so far, VmHWM.
std::int64_t PeakResidentKib();

// One line of JSON. `ideal_seconds` is what the run would take if nothing but the peer's latency
// counted; 0: there is no such bound.
std::string Report(const std::string& mode, std::int64_t operations, const Cost& cost,
                   double ideal_seconds);

}  // namespace llmbatch::bench
