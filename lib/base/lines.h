// The lines of a text, one after another.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace llmbatch::base {

struct Line {
  std::size_t number = 0;  // counted from 1
  std::string_view text;   // without its '\n'; a '\r' before that is part of it
};

// The text must outlive it.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  // nullopt: the text is over. What follows the last '\n' is a line if it isn't empty.
  std::optional<Line> Next();

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

// Whether there is nothing but blanks, tabs and ends of lines.
bool IsBlank(std::string_view text);

}  // namespace llmbatch::base
