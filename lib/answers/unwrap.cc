#include "answers/unwrap.h"

#include <cstddef>

namespace llmbatch::answers {
namespace {

// Behind brackets, blanks and blanks written as escapes.
std::size_t SkipOpening(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    if (std::string_view("{[ \t\r\n").find(rest[0]) != std::string_view::npos) {
      at += 1;
    } else if (rest.starts_with("\\n") || rest.starts_with("\\r") || rest.starts_with("\\t")) {
      at += 2;
    } else {
      break;
    }
  }
  return at;
}

// What `c` stands for behind a backslash; 0 if the escape is the inner text's own.
char Meaning(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

std::optional<std::string> Unwrapped(std::string_view text) {
  const std::size_t begin = text.find_first_of("{[");
  if (begin == std::string_view::npos) return std::nullopt;
  if (!text.substr(SkipOpening(text, begin)).starts_with("\\\"")) return std::nullopt;
  std::string inner;
  inner.reserve(text.size() - begin);
  for (std::size_t at = begin; at < text.size() && text[at] != '"'; ++at) {
    const char meaning = text[at] == '\\' && at + 1 < text.size() ? Meaning(text[at + 1]) : '\0';
    inner += meaning != 0 ? meaning : text[at];
    if (meaning != 0) ++at;
  }
  return inner;
}

}  // namespace llmbatch::answers
