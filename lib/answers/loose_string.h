// ReadLooseString: one string of broken JSON, written as a right one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "answers/edits.h"
#include "answers/loose_text.h"

namespace llmbatch::answers {

// What the string is, which tells what can follow it.
enum class StringPlace { kName, kMember, kElement };

// REQUIRES: a quotation mark begins at `at`. Goes on behind the string and appends it to `out`;
// what was appended is worthless unless the outcome is kWhole. A mark that nothing follows as it
// would have to is text, if such marks come in pairs; if they don't, the string is broken rather
// than guessed at.
Token ReadLooseString(std::string_view text, StringPlace place, std::size_t& at, std::string& out,
                      Edits& edits);

}  // namespace llmbatch::answers
