#include "base/lines.h"

#include <algorithm>

namespace llmbatch::base {

std::optional<Line> LineReader::Next() {
  if (rest_.empty()) return std::nullopt;
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  const Line line{.number = ++number_, .text = rest_.substr(0, end)};
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  return line;
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace llmbatch::base
