// Letters of ASCII, whatever the locale: names of headers, hosts and keys are compared so.
#pragma once

#include <string>
#include <string_view>

namespace llmbatch::base {

// Any byte that is no capital letter stays as it is.
constexpr char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string ToLower(std::string_view text);

}  // namespace llmbatch::base
