// ScanValue: follows one JSON array or object through a text that goes on behind it, or ends
// inside.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace llmbatch::answers {

inline constexpr std::size_t kMaxScanDepth = 64;

// A part of a text.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::string_view In(std::string_view text) const { return text.substr(begin, end - begin); }
};

struct Scan {
  enum class Outcome {
    kWhole,   // ends with its closing bracket
    kCut,     // right so far, but the text ends before it does
    kBroken,  // no JSON from `end` on, too deep, or twice a list of results
  };
  Outcome outcome = Outcome::kBroken;
  // One past the value, the end of the text, or the first byte that is wrong.
  std::size_t end = 0;
  std::size_t open_brackets = 0;  // at `end`
  bool has_member = false;        // at least one member's name and colon stand in it
  // Whether it has the form of an answer so far: an array, or an object with an array `results`.
  bool has_list = false;
  bool list_has_others = false;  // something in that array is no object
  // The objects in that array that are whole, in their order.
  std::vector<Range> elements;
};

// REQUIRES: text[at] is '{' or '['. Linear, and needs no stack in proportion to the text. Looks at
// brackets, strings, commas and colons; whether numbers and escapes are right, and the text is
// UTF-8, is left to the parser that the elements go to.
Scan ScanValue(std::string_view text, std::size_t at);

}  // namespace llmbatch::answers
