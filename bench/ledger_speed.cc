// How much processor time it costs an item that a crash must not cost its answer: its key, look-up
// and claim, mark and outcome in a real Redis, and its place in the done map. Redis' own time is
// another process's.
//
// ledger_speed URL, such as unix:///tmp/redis.sock

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ledger/fingerprint.h"
#include "model/item.h"
#include "offsets/done_map.h"
#include "offsets/offset_tracker.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "processor_time.h"
#include "redis/coordinator.h"
#include "runtime/inbox.h"
#include "wire/outcome.h"

namespace llmbatch::bench {
namespace {

constexpr std::uint64_t kItems = 100'000;
constexpr std::size_t kInputBytes = 1024;
constexpr std::size_t kInFlight = 64;
constexpr std::int64_t kItemsPerCommit = 1'000;

// The next event of its kind.
template <typename T>
T WaitFor(runtime::Inbox& inbox) {
  while (true) {
    for (ports::Event& event : inbox.WaitUntil(std::nullopt)) {
      if (T* found = std::get_if<T>(&event)) return std::move(*found);
    }
  }
}

// Seconds of processor time when so many items come, and end, at the same time; nothing if Redis
// doesn't answer.
std::optional<double> Ledger(const std::string& url, std::uint64_t together) {
  runtime::Inbox inbox;
  redis::RedisOptions options;
  options.url = url;
  options.replica = "bench:1";
  auto coordinator = redis::RedisCoordinator::Start(std::move(options), inbox);
  if (!coordinator) return std::nullopt;
  const model::ItemInput input{.kind = model::ItemInput::Kind::kText,
                               .value = std::string(kInputBytes, 'x')};
  model::ItemOutcome outcome;
  outcome.output_json = R"({"label":")" + std::string(200, 'y') + R"("})";
  outcome.model = "provider/model";
  outcome.cost = model::NanoUsd{1'234'567};

  const double before = ProcessSeconds();
  for (std::uint64_t item = 0, round = 1; item < kItems; ++round) {
    ports::LookUpOutcomes look_up{.lookup = model::LookupId{round}, .keys = {}, .claim_ttl = {}};
    look_up.claim_ttl = std::chrono::hours(1);
    for (std::uint64_t i = 0; i < together; ++i, ++item) {
      look_up.keys.push_back(ledger::ReplayKey(
          std::to_string(together) + "/" + std::to_string(item), "item", "version", input));
    }
    const std::vector<std::string> keys = look_up.keys;
    (*coordinator)->Execute(std::move(look_up));
    if (!WaitFor<ports::OutcomesLookedUp>(inbox).entries) return std::nullopt;

    (*coordinator)
        ->Execute(
            ports::MarkSent{.keys = keys, .call = "call", .claim_ttl = std::chrono::hours(1)});
    ports::StoreOutcomes store{.store = model::StoreId{round}, .outcomes = {}};
    for (const std::string& key : keys) {
      store.outcomes.push_back(
          {.key = key, .value = wire::EncodeOutcome(outcome), .ttl = std::chrono::minutes(1)});
    }
    (*coordinator)->Execute(std::move(store));
    if (!WaitFor<ports::OutcomesStored>(inbox).outcome) return std::nullopt;
  }
  return ProcessSeconds() - before;
}

double DoneMap() {
  offsets::OffsetTracker tracker(0);
  std::deque<std::int64_t> open;
  std::size_t bytes = 0;
  const double before = ProcessSeconds();
  for (std::int64_t offset = 0; offset < static_cast<std::int64_t>(kItems); ++offset) {
    tracker.Begin(offset);
    open.push_back(offset);
    if (open.size() < kInFlight) continue;
    // Every third is overtaken by those behind it.
    const std::size_t next = open.front() % 3 == 0 && offset % 50 != 0 ? 1 : 0;
    tracker.Finish(open[next]);
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(next));
    if (offset % kItemsPerCommit == kItemsPerCommit / 2 + 20)
      bytes += offsets::EncodeDoneMap(*tracker.Committable(), tracker.Done()).size();
  }
  const double seconds = ProcessSeconds() - before;
  return bytes > 0 ? seconds : 0;
}

int Run(const std::string& url) {
  const auto micros = [](double seconds) { return 1e6 * seconds / static_cast<double>(kItems); };
  for (const std::uint64_t together : {1, 4, 32}) {
    const auto seconds = Ledger(url, together);
    if (!seconds) {
      std::fprintf(stderr, "%s: no Redis that answers\n", url.c_str());
      return 1;
    }
    std::printf("{\"items\":%llu,\"together\":%llu,\"ledger_cpu_us_per_item\":%.2f}\n",
                static_cast<unsigned long long>(kItems), static_cast<unsigned long long>(together),
                micros(*seconds));
  }
  std::printf("{\"items\":%llu,\"done_map_cpu_us_per_item\":%.3f}\n",
              static_cast<unsigned long long>(kItems), micros(DoneMap()));
  return 0;
}

}  // namespace
}  // namespace llmbatch::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s URL\n", argv[0]);
    return 2;
  }
  return llmbatch::bench::Run(argv[1]);
}
