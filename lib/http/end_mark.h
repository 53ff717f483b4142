// EndMark: notices in a body that comes as a stream of events that the last one is there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::http {

// Serves one body. Belongs to the driver's thread.
class EndMark {
 public:
  // Any of these lines makes the event that it stands in the last one. None: no event is.
  explicit EndMark(std::vector<std::string> lines = {});

  bool is_expected() const { return !lines_.empty(); }
  // Takes the body in pieces of any size. Keeps no more of a line than the longest mark has.
  void Feed(std::string_view piece);
  // Whether the last event is there, with the empty line behind it.
  bool is_seen() const { return seen_; }

 private:
  void OnLineEnd();

  std::vector<std::string> lines_;
  std::size_t max_kept_ = 0;
  std::string line_;
  bool after_cr_ = false;
  bool in_last_event_ = false;
  bool seen_ = false;
};

}  // namespace llmbatch::http
