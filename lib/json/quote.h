// How a string is written in JSON, for the files of this module.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llmbatch::json {

// Appends `text`, which must be UTF-8, with its quotation marks.
void AppendQuoted(std::string& out, std::string_view text);

// How many bytes from `text` on stand for themselves in a JSON string: up to the first control
// character, quotation mark or backslash. REQUIRES: there is one, and kPaddingBytes can be read
// from it on
inline constexpr std::size_t kPaddingBytes = 8;
std::size_t PlainLength(const char* text);

// base::IsUtf8, faster for text that is mostly ASCII.
bool IsUtf8Quick(std::string_view text);

}  // namespace llmbatch::json
