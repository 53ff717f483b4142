#include "json/quote.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/utf8.h"

namespace llmbatch::json {
namespace {

constexpr char kPlain = 0;
constexpr char kUnicode = 'u';

// For each byte the letter behind the backslash, kUnicode for a \u escape, kPlain for none.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> escapes{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) escapes[byte] = kUnicode;
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}

constexpr std::array<char, 256> kEscapes = MakeEscapes();

constexpr std::uint64_t kHighBits = 0x8080808080808080U;

std::uint64_t WordAt(const char* text) {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  return word;
}

bool IsAscii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }

// How many bytes at the front of `text` are ASCII.
std::size_t AsciiLength(std::string_view text) {
  std::size_t length = 0;
  while (length + sizeof(std::uint64_t) <= text.size() &&
         (WordAt(&text[length]) & kHighBits) == 0) {
    length += sizeof(std::uint64_t);
  }
  while (length < text.size() && IsAscii(text[length])) ++length;
  return length;
}

// Whether the word's eight bytes hold no control character, quotation mark or backslash.
bool IsPlainWord(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  const std::uint64_t quote = word ^ ('"' * kOnes);
  const std::uint64_t backslash = word ^ ('\\' * kOnes);
  // A byte's high bit is set by the borrow where the byte was below what is taken away.
  const std::uint64_t found = ((word - 0x20 * kOnes) & ~word) | ((quote - kOnes) & ~quote) |
                              ((backslash - kOnes) & ~backslash);
  return (found & kHighBits) == 0;
}

bool IsPlain(char byte) { return kEscapes[static_cast<unsigned char>(byte)] == kPlain; }

std::size_t PlainLength(std::string_view text) {
  std::size_t length = 0;
  while (length + sizeof(std::uint64_t) <= text.size() && IsPlainWord(WordAt(&text[length]))) {
    length += sizeof(std::uint64_t);
  }
  while (length < text.size() && IsPlain(text[length])) ++length;
  return length;
}

void AppendEscape(std::string& out, unsigned char byte) {
  const char escape = kEscapes[byte];
  out += '\\';
  out += escape;
  if (escape != kUnicode) return;
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "00";
  out += kHex[byte >> 4];
  out += kHex[byte & 0x0FU];
}

}  // namespace

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    i += PlainLength(text.substr(i));
    if (i == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[i]);
    out.append(text, copied, i - copied);
    AppendEscape(out, byte);
    copied = i + 1;
  }
  out.append(text, copied);
  out += '"';
}

std::size_t PlainLength(const char* text) {
  const char* at = text;
  while (IsPlainWord(WordAt(at))) at += sizeof(std::uint64_t);
  while (IsPlain(*at)) ++at;
  return static_cast<std::size_t>(at - text);
}

bool IsUtf8Quick(std::string_view text) {
  std::size_t begin = AsciiLength(text);
  while (begin < text.size()) {
    // No sequence has ASCII in it, so that each run of other bytes can be looked at by itself.
    std::size_t end = begin;
    while (end < text.size() && !IsAscii(text[end])) ++end;
    if (!base::IsUtf8(text.substr(begin, end - begin))) return false;
    begin = end + AsciiLength(text.substr(end));
  }
  return true;
}

}  // namespace llmbatch::json
