#include "screen.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace llmbatch::demo {
namespace {

constexpr int kBarWidth = 30;

template <typename... Arguments>
std::string Format(const char* format, Arguments... arguments) {
  char buffer[256];
  const int length = std::snprintf(buffer, sizeof buffer, format, arguments...);
  return std::string(buffer, static_cast<std::size_t>(std::clamp(length, 0, 255)));
}

std::int64_t Of(const std::map<std::string, std::int64_t>& counts, const std::string& name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

std::string Page(const Moment& moment, const Tally& tally) {
  const double share =
      moment.items == 0 ? 0
                        : static_cast<double>(tally.results()) / static_cast<double>(moment.items);
  std::string page = Format("  items    %s %4lld of %lld   %.1f s\n", Bar(share, kBarWidth).c_str(),
                            static_cast<long long>(tally.results()),
                            static_cast<long long>(moment.items), moment.seconds);
  for (const auto& [id, job] : tally.jobs()) {
    page += Format("  %-8s %s %3d %%  %lld of %lld\n", id.c_str(),
                   Bar(job.percent / 100.0, kBarWidth).c_str(), job.percent,
                   static_cast<long long>(job.done), static_cast<long long>(job.total));
  }
  page += Format(
      "  calls    %lld in flight of %lld permits, %lld waiting, %lld backing off, %lld items "
      "open\n",
      static_cast<long long>(moment.in_flight), static_cast<long long>(moment.permits),
      static_cast<long long>(moment.waiting_for_permit), static_cast<long long>(moment.backing_off),
      static_cast<long long>(moment.gathering));
  page += Format("  results  %lld ok, %lld fallback, %lld error\n",
                 static_cast<long long>(Of(tally.by_status(), "ok")),
                 static_cast<long long>(Of(tally.by_status(), "fallback")),
                 static_cast<long long>(Of(tally.by_status(), "error")));
  page += Format(
      "  tokens   %lld in, %lld out   cost $%s\n", static_cast<long long>(tally.input_tokens()),
      static_cast<long long>(tally.output_tokens()), model::ToDecimal(tally.cost()).c_str());
  return page;
}

}  // namespace

std::string Bar(double share, int width) {
  const int full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
  std::string bar = "[";
  for (int i = 0; i < width; ++i) bar += i < full ? '#' : '.';
  return bar + "]";
}

Screen::Screen() : terminal_(isatty(STDOUT_FILENO) == 1) {}

void Screen::Show(const Moment& moment, const Tally& tally) {
  if (terminal_) {
    Redraw(Page(moment, tally));
  } else if (moment.seconds >= next_line_at_) {
    next_line_at_ = moment.seconds + 1;
    std::cout << Format(
                     "  %4.1f s  %lld of %lld items, %lld calls in flight, %lld waiting, %lld jobs "
                     "ended, cost $%s\n",
                     moment.seconds, static_cast<long long>(tally.results()),
                     static_cast<long long>(moment.items), static_cast<long long>(moment.in_flight),
                     static_cast<long long>(moment.waiting_for_permit),
                     static_cast<long long>(tally.jobs_ended()),
                     model::ToDecimal(tally.cost()).c_str())
              << std::flush;
  }
}

void Screen::Redraw(const std::string& text) {
  // Up to where the last page began, and clear from there.
  if (lines_ > 0) std::cout << "\x1b[" << lines_ << "A\x1b[J";
  std::cout << text << std::flush;
  lines_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace llmbatch::demo
