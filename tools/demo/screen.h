// Screen: shows how far the demo is, redrawn in place on a terminal, as lines elsewhere.
#pragma once

#include <cstdint>
#include <string>

#include "tally.h"

namespace llmbatch::demo {

struct Moment {
  double seconds = 0;
  std::int64_t items = 0;
  std::int64_t in_flight = 0;
  std::int64_t waiting_for_permit = 0;
  std::int64_t backing_off = 0;
  std::int64_t gathering = 0;  // items that are not in a call yet
  std::int64_t permits = 0;
};

class Screen {
 public:
  Screen();
  void Show(const Moment& moment, const Tally& tally);

 private:
  void Redraw(const std::string& text);

  bool terminal_;
  int lines_ = 0;
  double next_line_at_ = 0;
};

// A bar of `width` characters, filled to `share`.
std::string Bar(double share, int width);

}  // namespace llmbatch::demo
