// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace llmbatch::base {

bool IsUtf8(std::string_view text);
// Number of code points. For malformed text it is the number of bytes that are no continuation
// bytes.
std::size_t CountCodePoints(std::string_view text);
// The longest front part of at most `max_bytes` that doesn't cut a code point in two.
std::string_view TruncateUtf8(std::string_view text, std::size_t max_bytes);

}  // namespace llmbatch::base
