#include "answers/loose_string.h"

#include <algorithm>
#include <optional>

namespace llmbatch::answers {
namespace {

// How sure it is that a string ends before `at`.
enum class Follows { kNothing, kPerhaps, kSurely, kUnclear };

// A comment on the string's own line; with quotation marks in it, it could be the string's text.
bool IsPlainCommentAt(std::string_view text, std::size_t at) {
  constexpr std::size_t kMaxLook = 256;
  const std::string_view rest = text.substr(at, kMaxLook);
  if (!rest.starts_with("//") && !rest.starts_with("/*") && !rest.starts_with("# ")) return false;
  return rest.substr(0, rest.find('\n')).find_first_of("\"'") == std::string_view::npos;
}

bool BeginsValue(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == '{' || c == '[' || c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) {
    return true;
  }
  if (QuoteAt(text, at).style != QuoteStyle::kNone) return true;
  const std::string_view word = text.substr(at, BareNameLength(text, at));
  for (const std::string_view known :
       {"true", "false", "null", "True", "False", "None", "NaN", "Infinity"}) {
    if (word == known) return true;
  }
  return false;
}

Follows WhatFollowsComma(std::string_view text, std::size_t at, StringPlace place) {
  at = SkipBlanks(text, at);
  if (at == text.size()) return Follows::kSurely;
  const char c = text[at];
  if (c == '}' || c == ']' || c == ',' || IsCommentAt(text, at)) return Follows::kSurely;
  const bool fits = place == StringPlace::kMember ? IsNameAt(text, at) : BeginsValue(text, at);
  return fits ? Follows::kSurely : Follows::kNothing;
}

// REQUIRES: there is something but blanks from `end` on
Follows WhatFollows(std::string_view text, std::size_t end, StringPlace place) {
  const std::size_t at = SkipBlanks(text, end);
  const char c = text[at];
  if (c == '}' || c == ']' || IsFenceAt(text, at)) return Follows::kSurely;
  if (c == ',') return WhatFollowsComma(text, at + 1, place);
  if (c == '+' && QuoteAt(text, SkipBlanks(text, at + 1)).style != QuoteStyle::kNone) {
    return Follows::kUnclear;  // a sum of strings
  }
  if (IsPlainCommentAt(text, at)) return at > end ? Follows::kPerhaps : Follows::kNothing;
  // A missing comma.
  const bool new_line = text.substr(end, at - end).find('\n') != std::string_view::npos;
  const bool quoted = QuoteAt(text, at).style != QuoteStyle::kNone;
  if (place == StringPlace::kMember) {
    return (quoted || new_line) && IsNameAt(text, at) ? Follows::kPerhaps : Follows::kNothing;
  }
  const bool element = (quoted && at > end) || (new_line && BeginsValue(text, at));
  return element ? Follows::kPerhaps : Follows::kNothing;
}

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
}

void AppendControl(std::string& out, unsigned char byte) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0x0FU];
  }
}

bool IsUnicodeEscape(std::string_view digits) {
  return digits.size() == 4 && std::all_of(digits.begin(), digits.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

class StringReader {
 public:
  StringReader(std::string_view text, StringPlace place, std::size_t at, std::string& out,
               Edits& edits)
      : text_(text), place_(place), begin_(at), at_(at), out_(out), edits_(edits) {}

  Token Run() {
    const QuoteMark open = QuoteAt(text_, at_);
    open_ = open.style;
    at_ += open.bytes;
    out_ += '"';
    while (true) {
      CopyPlain();
      if (place_ == StringPlace::kName && at_ - begin_ > kMaxNameBytes) return Token::kBroken;
      if (at_ >= text_.size()) return Token::kCut;
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '\\') {
        if (at_ + 1 == text_.size()) return Token::kCut;
        ReadEscape();
      } else if (byte < 0x20) {
        if (place_ == StringPlace::kName) return Token::kBroken;
        edits_.Add(EditKind::kControl);
        AppendControl(out_, byte);
        ++at_;
      } else if (const auto token = ReadMark()) {
        return *token;
      }
    }
  }

  std::size_t at() const { return at_; }

 private:
  // Bytes that need no look. Those that begin a quotation mark of more than one byte do.
  void CopyPlain() {
    const std::size_t begin = at_;
    const bool curly = open_ != QuoteStyle::kDouble && open_ != QuoteStyle::kSingle;
    while (at_ < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte < 0x20 || byte == '"' || byte == '\\') break;
      if (byte == '\'' && open_ != QuoteStyle::kDouble) break;
      if (curly && (byte == 0xE2 || byte == 0xC2)) break;
      ++at_;
    }
    out_.append(text_, begin, at_ - begin);
  }

  // REQUIRES: a backslash, and something behind it
  void ReadEscape() {
    const char c = text_[at_ + 1];
    constexpr std::string_view kSimple = "\"\\/bfnrt";
    if (kSimple.find(c) != std::string_view::npos) {
      out_.append(text_, at_, 2);
      at_ += 2;
    } else if (c == 'u' && IsUnicodeEscape(text_.substr(at_ + 2, 4))) {
      out_.append(text_, at_, 6);
      at_ += 6;
    } else if (c == '\'') {
      edits_.Add(EditKind::kBackslash);
      out_ += c;
      at_ += 2;
    } else {
      edits_.Add(EditKind::kBackslash);
      out_ += "\\\\";
      at_ += 1;
    }
  }

  std::optional<Token> ReadMark() {
    const QuoteMark mark = QuoteAt(text_, at_);
    if (!CanClose(open_, mark.style)) {
      AppendMark(mark);
      return std::nullopt;
    }
    const std::size_t end = at_ + mark.bytes;
    if (place_ == StringPlace::kName) {
      at_ = end;
      return Close();
    }
    if (SkipBlanks(text_, end) == text_.size()) {
      at_ = text_.size();
      return Token::kCut;
    }
    const bool even = inner_ % 2 == 0;
    switch (WhatFollows(text_, end, place_)) {
      case Follows::kSurely:
        if (!even) return Token::kBroken;
        at_ = end;
        return Close();
      case Follows::kPerhaps:
        if (!even) break;
        at_ = end;
        return Close();
      case Follows::kUnclear:
        return Token::kBroken;
      case Follows::kNothing:
        break;
    }
    if (!IsApostrophe(mark, end)) ++inner_;
    AppendMark(mark);
    return std::nullopt;
  }

  // As in "it's": it stands alone, where other marks come in pairs.
  bool IsApostrophe(QuoteMark mark, std::size_t end) const {
    const bool single = mark.style == QuoteStyle::kSingle || mark.style == QuoteStyle::kCurlySingle;
    return single && IsWordByte(text_[at_ - 1]) && IsWordByte(text_[end]);
  }

  // As text. What looked like a mark's first byte may be none.
  void AppendMark(QuoteMark mark) {
    if (mark.style == QuoteStyle::kDouble) out_ += '\\';
    const std::size_t bytes = std::max<std::size_t>(mark.bytes, 1);
    out_.append(text_, at_, bytes);
    at_ += bytes;
  }

  Token Close() {
    out_ += '"';
    if (open_ != QuoteStyle::kDouble) edits_.Add(EditKind::kQuote);
    if (inner_ > 0) edits_.Add(EditKind::kInnerQuote, inner_);
    return Token::kWhole;
  }

  std::string_view text_;
  StringPlace place_;
  std::size_t begin_;
  std::size_t at_;
  std::string& out_;
  Edits& edits_;
  QuoteStyle open_ = QuoteStyle::kDouble;
  std::size_t inner_ = 0;  // marks that could have closed the string, without apostrophes
};

}  // namespace

Token ReadLooseString(std::string_view text, StringPlace place, std::size_t& at, std::string& out,
                      Edits& edits) {
  StringReader reader(text, place, at, out, edits);
  const Token token = reader.Run();
  at = reader.at();
  return token;
}

}  // namespace llmbatch::answers
