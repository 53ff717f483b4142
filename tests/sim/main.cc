// sim_test --seeds=N [--first=K]: runs seeds K … K+N-1.   sim_test --seed=S [--trace]: replays one.
#include <charconv>
#include <cstdint>
#include <iostream>
#include <string_view>

#include "sim/world.h"

namespace {

bool ReadFlag(std::string_view argument, std::string_view name, std::uint64_t& value) {
  if (!argument.starts_with(name)) return false;
  argument.remove_prefix(name.size());
  return std::from_chars(argument.data(), argument.data() + argument.size(), value).ec ==
         std::errc();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t count = 2'000;
  llmbatch::sim::RunOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--trace") {
      options.trace = true;
    } else if (ReadFlag(argument, "--seed=", first)) {
      count = 1;
    } else if (!ReadFlag(argument, "--seeds=", count) && !ReadFlag(argument, "--first=", first)) {
      std::cerr << "usage: " << argv[0] << " --seeds=N [--first=K] | --seed=S [--trace]\n";
      return 2;
    }
  }
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const auto plan = llmbatch::sim::Plan::FromSeed(seed);
    llmbatch::sim::World world(plan, options);
    if (const auto failure = world.Run()) {
      ++failed;
      std::cout << "seed " << seed << ": " << *failure << "\n  " << plan.Describe()
                << "\n  replay: " << argv[0] << " --seed=" << seed << " --trace\n";
    }
    if (failed >= 10) break;
  }
  std::cout << count << " seeds from " << first << ", " << failed << " failed\n";
  return failed == 0 ? 0 : 1;
}
