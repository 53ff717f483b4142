// Base64 with the standard alphabet and padding (RFC 4648 §4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace llmbatch::base {

std::string EncodeBase64(std::string_view bytes);
// nullopt unless `text` is what EncodeBase64 gives for some bytes: no white space, full padding, no
// stray bits.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace llmbatch::base
