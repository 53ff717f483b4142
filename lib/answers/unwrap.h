// Unwrapped: an answer that the model wrote as the content of a JSON string.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace llmbatch::answers {

// Of a text whose first bracket begins JSON with escaped quotation marks, `{\"id\":…`, the part
// from there to where the string ends, with one level of escapes taken away; nullopt for any other
// text. Linear.
std::optional<std::string> Unwrapped(std::string_view text);

}  // namespace llmbatch::answers
