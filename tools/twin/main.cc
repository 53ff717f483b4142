#include <event2/event.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

#include "twin/options.h"
#include "twin/server.h"
#include "twin/twin.h"

namespace {

using namespace llmbatch;  // NOLINT(google-build-using-namespace)

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr std::uint64_t kLinesPerWrite = 10'000;

struct LoopFreer {
  void operator()(event_base* loop) const { event_base_free(loop); }
  void operator()(event* one) const { event_free(one); }
};
using LoopPtr = std::unique_ptr<event_base, LoopFreer>;
using EventPtr = std::unique_ptr<event, LoopFreer>;

LoopPtr MakeLoop() {
  event_config* config = event_config_new();
  // Without the cached time a timer counts from when it was set, however busy the loop is.
  event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  LoopPtr loop(event_base_new_with_config(config));
  event_config_free(config);
  return loop;
}

void StopLoop(int, short, void* loop) { event_base_loopbreak(static_cast<event_base*>(loop)); }

EventPtr StopOn(int signal_number, event_base* loop) {
  EventPtr stop(evsignal_new(loop, signal_number, &StopLoop, loop));
  event_add(stop.get(), nullptr);
  return stop;
}

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

bool WriteJournal(const twin::Journal& journal, const std::string& path) {
  std::ofstream file(path, std::ios::trunc);
  std::uint64_t from = journal.first_sequence();
  for (std::string lines = journal.Lines(from, kLinesPerWrite); !lines.empty() && file;
       lines = journal.Lines(from += kLinesPerWrite, kLinesPerWrite)) {
    file << lines;
  }
  return file.flush().good();
}

bool WritePort(std::uint16_t port, const std::string& path) {
  // Renamed into place, so that a reader never sees half a number.
  const std::string draft = path + ".new";
  std::ofstream(draft, std::ios::trunc) << port << '\n';
  return std::rename(draft.c_str(), path.c_str()) == 0;
}

int Fail(int code, std::string_view message) {
  std::cerr << "provider-twin: " << message << '\n';
  return code;
}

int Run(const twin::Options& options) {
  RaiseFileLimit();
  signal(SIGPIPE, SIG_IGN);
  const LoopPtr loop = MakeLoop();
  if (!loop) return Fail(kFailure, "cannot make an event loop");
  twin::Twin provider(options.behaviour, options.journal_max_requests, twin::ReadClocks().steady);
  {
    const EventPtr on_term = StopOn(SIGTERM, loop.get());
    const EventPtr on_interrupt = StopOn(SIGINT, loop.get());
    const auto server = twin::Server::Listen(loop.get(), provider, options.listen, options.port);
    if (!server) return Fail(kFailure, server.error().message);
    const std::uint16_t port = (*server)->port();
    if (!options.port_file.empty() && !WritePort(port, options.port_file)) {
      return Fail(kFailure, "cannot write the port file");
    }
    std::cout << "listening on " << options.listen << ':' << port << std::endl;
    event_base_dispatch(loop.get());
  }
  if (!options.journal_file.empty() && !WriteJournal(provider.journal(), options.journal_file)) {
    return Fail(kFailure, "cannot write the journal file");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = twin::ParseOptions(std::vector<std::string_view>(argv + 1, argv + argc));
  if (!options) return Fail(kUsage, options.error().message);
  if (options->help) {
    std::cout << twin::HelpText();
    return 0;
  }
  return Run(*options);
}
