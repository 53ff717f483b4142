#include "answers/loose_text.h"

#include <algorithm>

namespace llmbatch::answers {
namespace {

// Behind one comment that begins at `at`; `at` itself if none does.
std::size_t SkipComment(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("/*")) {
    const std::size_t close = text.find("*/", at + 2);
    return close == std::string_view::npos ? text.size() : close + 2;
  }
  if (rest.starts_with("//") || rest.starts_with("#")) {
    return std::min(text.find('\n', at), text.size());
  }
  return at;
}

// Bytes of a blank that JSON doesn't know: no-break space, byte order mark, \v, \f.
std::size_t OddBlankLength(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("\v") || rest.starts_with("\f")) return 1;
  if (rest.starts_with("\xC2\xA0")) return 2;
  if (rest.starts_with("\xEF\xBB\xBF")) return 3;
  return 0;
}

bool IsBareNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || c == '-';
}

// Behind a name that begins at `at`, with quotation marks or without; `at` itself if none does.
std::size_t SkipName(std::string_view text, std::size_t at) {
  const QuoteMark open = QuoteAt(text, at);
  if (open.style == QuoteStyle::kNone) return at + BareNameLength(text, at);
  for (std::size_t end = at + open.bytes; end < text.size(); ++end) {
    if (text[end] == '\\') {
      ++end;
      continue;
    }
    const QuoteMark mark = QuoteAt(text, end);
    if (CanClose(open.style, mark.style)) return end + mark.bytes;
  }
  return at;
}

}  // namespace

QuoteMark QuoteAt(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto byte = [text, at](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  if (byte(0) == '"') return {QuoteStyle::kDouble, 1};
  if (byte(0) == '\'') return {QuoteStyle::kSingle, 1};
  if (byte(0) == 0xE2 && byte(1) == 0x80) {
    if (byte(2) >= 0x98 && byte(2) <= 0x9B) return {QuoteStyle::kCurlySingle, 3};
    if (byte(2) >= 0x9C && byte(2) <= 0x9F) return {QuoteStyle::kCurly, 3};
  }
  if (byte(0) == 0xC2 && (byte(1) == 0xAB || byte(1) == 0xBB)) return {QuoteStyle::kAngle, 2};
  return {};
}

bool CanClose(QuoteStyle open, QuoteStyle mark) {
  if (mark == QuoteStyle::kNone) return false;
  return open == mark || (open == QuoteStyle::kCurly && mark == QuoteStyle::kDouble) ||
         (open == QuoteStyle::kCurlySingle && mark == QuoteStyle::kSingle);
}

std::size_t SkipBlanks(std::string_view text, std::size_t at) {
  while (at < text.size() &&
         (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r')) {
    ++at;
  }
  return at;
}

std::size_t SkipGap(std::string_view text, std::size_t at, Edits& edits) {
  while (true) {
    at = SkipBlanks(text, at);
    if (at == text.size()) return at;
    std::size_t behind = at + OddBlankLength(text, at);
    if (behind == at) {
      behind = SkipComment(text, at);
      if (behind == at) return at;
    }
    edits.Add(EditKind::kComment);
    at = behind;
  }
}

std::size_t BareNameLength(std::string_view text, std::size_t at) {
  std::size_t length = 0;
  while (length <= kMaxNameBytes && at + length < text.size() &&
         IsBareNameByte(text[at + length])) {
    ++length;
  }
  return length;
}

bool IsNameAt(std::string_view text, std::size_t at) {
  const std::size_t end = SkipName(text.substr(0, at + kMaxNameBytes), at);
  const std::size_t colon = SkipBlanks(text.substr(0, end + kMaxNameBytes), end);
  return end > at && colon < text.size() && text[colon] == ':';
}

bool IsUnfinishedAt(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  for (const std::string_view begin : {"/", "`", "``", "\xC2", "\xE2", "\xE2\x80"}) {
    if (rest == begin) return true;
  }
  return false;
}

bool IsFenceAt(std::string_view text, std::size_t at) { return text.substr(at).starts_with("```"); }

bool IsCommentAt(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  return rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with("#");
}

}  // namespace llmbatch::answers
