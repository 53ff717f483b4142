#include "base/ascii.h"

namespace llmbatch::base {

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = ToLower(c);
  return lower;
}

}  // namespace llmbatch::base
