#include "tokens/splitter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>

namespace llmbatch::tokens {
namespace {

enum Class : std::uint8_t {
  kOther,
  U,  // capital and title letters
  L,  // small letters
  A,  // letters without case
  M,  // marks
  N,  // numbers
  S,  // white space
};

struct Range {
  std::uint32_t first;
  std::uint32_t last;
  Class cls;
};

constexpr Range kRanges[] = {
#include "tokens/unicode_ranges.inc"
};

constexpr std::size_t kAsciiCount = 128;

Class Search(std::uint32_t code) {
  const auto* found = std::upper_bound(std::begin(kRanges), std::end(kRanges), code,
                                       [](std::uint32_t c, const Range& r) { return c < r.first; });
  if (found == std::begin(kRanges)) return kOther;
  --found;
  return code <= found->last ? found->cls : kOther;
}

Class ClassOf(std::uint32_t code) {
  static const std::array<Class, kAsciiCount> kAscii = [] {
    std::array<Class, kAsciiCount> classes{};
    for (std::uint32_t c = 0; c < kAsciiCount; ++c) classes[c] = Search(c);
    return classes;
  }();
  return code < kAsciiCount ? kAscii[code] : Search(code);
}

struct Char {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: the text has ended
  Class cls = kOther;
};

Char CharAt(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < kAsciiCount) return {.code = lead, .bytes = 1, .cls = ClassOf(lead)};
  const std::size_t bytes = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
  std::uint32_t code = lead & (0xFFU >> (bytes + 1));
  if (lead < 0xC0U || at + bytes > text.size()) return {.code = lead, .bytes = 1};
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0U) != 0x80U) return {.code = lead, .bytes = 1};
    code = (code << 6U) | (next & 0x3FU);
  }
  return {.code = code, .bytes = bytes, .cls = ClassOf(code)};
}

bool IsLetter(Class cls) { return cls == U || cls == L || cls == A; }
bool IsUpperPart(Class cls) { return cls == U || cls == A || cls == M; }
bool IsLowerPart(Class cls) { return cls == L || cls == A || cls == M; }
bool IsLineEnd(std::uint32_t code) { return code == '\r' || code == '\n'; }
bool IsPunctuation(const Char& c) { return c.bytes > 0 && (c.cls == kOther || c.cls == M); }

template <typename Predicate>
std::size_t SkipWhile(std::string_view text, std::size_t at, Predicate is_in) {
  for (Char c = CharAt(text, at); c.bytes > 0 && is_in(c); c = CharAt(text, at)) at += c.bytes;
  return at;
}

// Behind an apostrophe: s, t, re, ve, m, ll, d, whatever their case; the long s is one, too.
std::size_t SkipContraction(std::string_view text, std::size_t at) {
  constexpr std::string_view kEndings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
  constexpr std::string_view kLongS = "\xC5\xBF";
  if (at >= text.size() || text[at] != '\'') return at;
  const std::string_view rest = text.substr(at + 1);
  if (rest.starts_with(kLongS)) return at + 1 + kLongS.size();
  for (const std::string_view ending : kEndings) {
    if (rest.size() < ending.size()) continue;
    const bool same = std::equal(ending.begin(), ending.end(), rest.begin(),
                                 [](char a, char b) { return a == b || a - 'a' + 'A' == b; });
    if (same) return at + 1 + ending.size();
  }
  return at;
}

// Capitals, as few as may be at the end, then at least one small letter: where that ends.
std::optional<std::size_t> LowerWordEnd(std::string_view text, std::size_t begin) {
  std::optional<std::size_t> last_both;  // behind the last character that can be either
  std::size_t at = begin;
  for (Char c = CharAt(text, at); c.bytes > 0 && IsUpperPart(c.cls); c = CharAt(text, at)) {
    at += c.bytes;
    if (IsLowerPart(c.cls)) last_both = at;
  }
  const std::size_t end = SkipWhile(text, at, [](const Char& c) { return IsLowerPart(c.cls); });
  return end > at ? end : last_both;
}

// At least one capital, then small letters.
std::optional<std::size_t> UpperWordEnd(std::string_view text, std::size_t begin) {
  const std::size_t at = SkipWhile(text, begin, [](const Char& c) { return IsUpperPart(c.cls); });
  if (at == begin) return std::nullopt;
  return SkipWhile(text, at, [](const Char& c) { return IsLowerPart(c.cls); });
}

std::optional<std::size_t> WordLength(std::string_view text) {
  const Char first = CharAt(text, 0);
  const bool may_precede = !IsLineEnd(first.code) && !IsLetter(first.cls) && first.cls != N;
  for (const auto end_of : {&LowerWordEnd, &UpperWordEnd}) {
    if (may_precede) {
      if (const auto end = end_of(text, first.bytes)) return SkipContraction(text, *end);
    }
    if (const auto end = end_of(text, 0)) return SkipContraction(text, *end);
  }
  return std::nullopt;
}

std::size_t NumberLength(std::string_view text) {
  constexpr int kMostDigits = 3;
  int digits = 0;
  return SkipWhile(text, 0,
                   [&digits](const Char& c) { return c.cls == N && digits++ < kMostDigits; });
}

std::size_t PunctuationLength(std::string_view text) {
  const std::size_t begin = text.front() == ' ' && IsPunctuation(CharAt(text, 1)) ? 1 : 0;
  const std::size_t end = SkipWhile(text, begin, IsPunctuation);
  return SkipWhile(text, end, [](const Char& c) { return IsLineEnd(c.code) || c.code == '/'; });
}

// REQUIRES: white space at the begin
std::size_t SpaceLength(std::string_view text) {
  std::size_t line_end = 0;  // behind the last one
  std::size_t last = 0;      // where the last character begins
  std::size_t end = 0;
  for (Char c = CharAt(text, 0); c.bytes > 0 && c.cls == S; c = CharAt(text, end)) {
    last = end;
    end += c.bytes;
    if (IsLineEnd(c.code)) line_end = end;
  }
  if (line_end > 0) return line_end;
  return end == text.size() || last == 0 ? end : last;
}

}  // namespace

std::size_t PieceLength(std::string_view text) {
  if (const auto length = WordLength(text)) return *length;
  const Char first = CharAt(text, 0);
  if (first.cls == N) return NumberLength(text);
  if (IsPunctuation(first) || (first.code == ' ' && IsPunctuation(CharAt(text, 1)))) {
    return PunctuationLength(text);
  }
  return SpaceLength(text);
}

}  // namespace llmbatch::tokens
