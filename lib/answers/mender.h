// MendValue: reads one broken JSON array or object as what can only have been meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "answers/edits.h"
#include "answers/loose_text.h"

namespace llmbatch::answers {

struct Mended {
  // kCut: the text ends before the value does, or before it is sure that it has ended.
  Token outcome = Token::kBroken;
  std::size_t end = 0;            // as in Scan
  std::size_t open_brackets = 0;  // at `end`
  bool has_member = false;        // at least one member's name and colon stand in it
  // The value by JSON's grammar; if it is cut, the front of it that is there. Whether numbers fit
  // a double, names are unique and the text is UTF-8 is left to the parser that it goes to.
  std::string json;
  Edits edits;
};

// REQUIRES: text[at] is '{' or '['. Linear, and needs no stack in proportion to the text.
//
// Read are: comments; commas too many or missing; single and typographic quotation marks, and
// unescaped ones in strings; names without any; control characters and stray backslashes in
// strings; numbers and words of Python and JavaScript; and brackets that are missing, doubled or
// exchanged, where the other brackets tell which. Nothing is made up: a member without a value, a
// word that stands for no value, and whatever can be read in two ways break the value. So do more
// edits than edits.h allows, an array that begins with no object, and more depth than
// kMaxScanDepth.
Mended MendValue(std::string_view text, std::size_t at);

}  // namespace llmbatch::answers
