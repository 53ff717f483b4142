// Splitter: cuts a text into the pieces that o200k's tokenizer encodes one by one.
#pragma once

#include <string_view>

namespace llmbatch::tokens {

// The length in bytes of the first piece of `text`: at least 1. REQUIRES: !text.empty()
//
// A piece is a word with up to one character before it and a contraction behind it, up to three
// digits, a run of punctuation with a blank before and line ends behind it, line ends with the
// white space before them, or white space, but for the last blank before a word. Bytes that are no
// UTF-8 count as punctuation. Linear: no piece is looked at more than a few times.
std::size_t PieceLength(std::string_view text);

}  // namespace llmbatch::tokens
