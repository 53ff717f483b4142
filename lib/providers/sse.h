// SseParser: the events of a server-sent event stream, however its bytes arrive.
#pragma once

#include <string>
#include <string_view>

namespace llmbatch::providers {

// Lines end with LF, CRLF or CR; comments, ids and retry times are dropped; the data lines of an
// event are joined by LF.
class SseParser {
 public:
  // Receives the events; `event` is empty for one without a name.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnEvent(std::string_view event, std::string_view data) = 0;
  };

  // Takes the next bytes. An event without its blank line is not told.
  void Feed(std::string_view bytes, Listener& listener);

 private:
  void OnLine(std::string_view line, Listener& listener);
  void OnField(std::string_view name, std::string_view value);

  std::string line_;  // what there is of the line that is not at its end
  std::string event_;
  std::string data_;
  bool has_data_ = false;
  bool after_cr_ = false;  // an LF now belongs to the line before
  bool at_start_ = true;   // of the stream, where a byte order mark may stand
};

}  // namespace llmbatch::providers
