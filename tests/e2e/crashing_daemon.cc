// llmbatchd that ends, as by kill -9, at a point of a request's life: LLMBATCHD_CRASH_AT is the
// point's name, a colon, and how often the point is passed before.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include "program.h"

namespace {

using llmbatch::ports::Command;
using llmbatch::ports::Event;
namespace ports = llmbatch::ports;

template <typename... T>
bool IsEvent(const Event& event) {
  return (std::holds_alternative<T>(event) || ...);
}
template <typename... T>
bool IsCommand(const Command& command) {
  return (std::holds_alternative<T>(command) || ...);
}
bool AsksForPermits(const Command& command) {
  const auto* sync = std::get_if<ports::SyncPermits>(&command);
  return sync != nullptr &&
         std::any_of(sync->demands.begin(), sync->demands.end(),
                     [](const ports::PermitDemand& demand) { return demand.want > 0; });
}

// Before the core hears of an event, or before or after the drivers get a command.
struct Point {
  std::string_view name;
  bool (*event)(const Event&) = nullptr;
  bool (*before)(const Command&) = nullptr;
  bool (*after)(const Command&) = nullptr;
};

constexpr Point kPoints[] = {
    {.name = "after-poll", .event = IsEvent<ports::RecordReceived>},
    {.name = "before-look-up", .before = IsCommand<ports::LookUpOutcomes>},
    {.name = "after-look-up", .event = IsEvent<ports::OutcomesLookedUp>},
    {.name = "before-permit", .before = AsksForPermits},
    {.name = "after-permit", .event = IsEvent<ports::PermitsSynced>},
    {.name = "before-send", .before = IsCommand<ports::StartCall>},
    {.name = "after-send", .after = IsCommand<ports::StartCall>},
    {.name = "after-last-byte", .event = IsEvent<ports::CallCompleted>},
    {.name = "before-ledger-write", .before = IsCommand<ports::StoreOutcomes>},
    {.name = "after-ledger-write", .event = IsEvent<ports::OutcomesStored>},
    {.name = "before-publish", .before = IsCommand<ports::PublishRecord, ports::RunTransaction>},
    {.name = "after-publish", .after = IsCommand<ports::PublishRecord, ports::RunTransaction>},
    {.name = "after-acknowledgement",
     .event = IsEvent<ports::RecordPublished, ports::TransactionEnded>},
    {.name = "before-commit", .before = IsCommand<ports::CommitOffsets, ports::RunTransaction>},
    {.name = "after-commit", .event = IsEvent<ports::OffsetsCommitted, ports::TransactionEnded>},
};

class CrashAt : public llmbatch::daemon::Probe {
 public:
  CrashAt(const Point& point, std::int64_t passes) : point_(point), passes_left_(passes) {}

  void BeforeEvents(const std::vector<Event>& events) override {
    if (point_.event == nullptr) return;
    for (const Event& event : events) {
      if (point_.event(event)) Pass();
    }
  }

  void BeforeCommands(const ports::Commands& commands) override {
    for (const Command& command : commands) {
      if (point_.before != nullptr && point_.before(command)) Pass();
      if (point_.after != nullptr && point_.after(command)) ++passes_after_;
    }
  }

  void AfterCommands() override {
    for (; passes_after_ > 0; --passes_after_) Pass();
  }

 private:
  void Pass() {
    if (passes_left_-- == 0) kill(getpid(), SIGKILL);
  }

  const Point& point_;
  std::int64_t passes_left_;
  int passes_after_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const char* const where = std::getenv("LLMBATCHD_CRASH_AT");
  const std::string_view text = where == nullptr ? "" : where;
  const auto colon = text.find(':');
  const auto* const point =
      std::find_if(std::begin(kPoints), std::end(kPoints),
                   [&](const Point& each) { return each.name == text.substr(0, colon); });
  if (point == std::end(kPoints) || colon == std::string_view::npos) {
    std::cerr << "LLMBATCHD_CRASH_AT is POINT:PASSES, with one of these points:\n";
    for (const Point& each : kPoints) std::cerr << each.name << "\n";
    return llmbatch::daemon::kExitUsage;
  }
  CrashAt probe(*point, std::atoll(text.substr(colon + 1).data()));
  return llmbatch::daemon::RunProgram(argc, argv, &probe);
}
