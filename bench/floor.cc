// The floor under the daemon's costs: the same work with nothing but the libraries it uses.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include "http_load.h"
#include "kafka_load.h"
#include "measure.h"

namespace llmbatch::bench {
namespace {

// Runs it, prints its report and returns the exit code.
int Measure(const std::string& mode, std::int64_t operations, double ideal_seconds,
            const std::function<std::optional<std::int64_t>()>& run) {
  const Stopwatch stopwatch;
  const std::optional<std::int64_t> failed = run();
  const Cost cost = stopwatch.Read();
  if (!failed) {
    std::fprintf(stderr, "floor: %s could not be started\n", mode.c_str());
    return 1;
  }
  std::puts(Report(mode, operations, cost, ideal_seconds).c_str());
  if (*failed > 0) {
    std::fprintf(stderr, "floor: %lld of %lld failed\n", static_cast<long long>(*failed),
                 static_cast<long long>(operations));
  }
  return *failed == 0 ? 0 : 1;
}

struct HttpFlags {
  HttpLoad load;
  std::int64_t waves = 0;
  double latency_ms = 0;
};

CLI::App* AddHttpMode(CLI::App& app, const char* name, const char* help, HttpFlags& flags) {
  CLI::App* mode = app.add_subcommand(name, help);
  mode->add_option("--url", flags.load.base_url, "the provider's base URL")->required();
  mode->add_option("--in-flight", flags.load.in_flight, "requests at once")->required();
  mode->add_option("--requests", flags.load.requests, "how many in all");
  mode->add_option("--waves", flags.waves, "instead of --requests: how often --in-flight");
  mode->add_option("--latency-ms", flags.latency_ms, "the provider's, to tell the ideal from");
  return mode;
}

int MeasureHttp(const std::string& mode, HttpFlags flags,
                std::optional<std::int64_t> (*run)(const HttpLoad&)) {
  if (flags.waves > 0) flags.load.requests = flags.waves * flags.load.in_flight;
  const double ideal_seconds = static_cast<double>(flags.load.requests) /
                               static_cast<double>(flags.load.in_flight) * flags.latency_ms / 1000;
  return Measure(mode, flags.load.requests, ideal_seconds,
                 [run, load = flags.load] { return run(load); });
}

int Main(int argc, char** argv) {
  CLI::App app{"Measures what the daemon's work costs without the daemon"};
  app.require_subcommand(1);
  HttpFlags http;
  CLI::App* bare = AddHttpMode(app, "http", "POSTs with nothing but libcurl", http);
  CLI::App* driver = AddHttpMode(app, "driver", "the same with the daemon's HTTP driver", http);
  KafkaLoad kafka;
  bool preload = false;
  CLI::App* pass = app.add_subcommand("kafka", "reads records and writes them to another topic");
  pass->add_option("--brokers", kafka.brokers)->required();
  pass->add_option("--from", kafka.from_topic)->required();
  pass->add_option("--to", kafka.to_topic)->required();
  pass->add_option("--records", kafka.records)->required();
  pass->add_flag("--preload", preload, "write the records first, which is not measured");
  CLI11_PARSE(app, argc, argv);

  if (bare->parsed()) return MeasureHttp("http", http, &RunBareLibcurl);
  if (driver->parsed()) return MeasureHttp("driver", http, &RunDriver);
  if (preload && Preload(kafka) != 0) {
    std::fprintf(stderr, "floor: the records could not be written\n");
    return 1;
  }
  return Measure("kafka", kafka.records, 0, [&kafka] { return PassThrough(kafka); });
}

}  // namespace
}  // namespace llmbatch::bench

int main(int argc, char** argv) { return llmbatch::bench::Main(argc, argv); }
