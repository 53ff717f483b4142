// ReadLooseAtom: a number or word of broken JSON, written as a right one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "answers/edits.h"
#include "answers/loose_text.h"

namespace llmbatch::answers {

// Goes on behind the number or word that begins at `at` and appends it to `out`. A number stays a
// number, with all its digits. A word that isn't one of JSON, Python or JavaScript is broken: it is
// never made a string. One at the very end of the text is cut: there may have been more of it.
Token ReadLooseAtom(std::string_view text, std::size_t& at, std::string& out, Edits& edits);

}  // namespace llmbatch::answers
