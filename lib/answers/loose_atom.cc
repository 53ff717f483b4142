#include "answers/loose_atom.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace llmbatch::answers {
namespace {

// A longer one is no number that anybody meant.
constexpr std::size_t kMaxAtomBytes = 1024;

struct Word {
  std::string_view written;
  std::string_view meant;
  std::optional<EditKind> edit;
};

constexpr Word kWords[] = {
    {"true", "true", std::nullopt},           {"false", "false", std::nullopt},
    {"null", "null", std::nullopt},           {"True", "true", EditKind::kLiteral},
    {"False", "false", EditKind::kLiteral},   {"None", "null", EditKind::kLiteral},
    {"TRUE", "true", EditKind::kLiteral},     {"FALSE", "false", EditKind::kLiteral},
    {"NULL", "null", EditKind::kLiteral},     {"Null", "null", EditKind::kLiteral},
    {"nil", "null", EditKind::kLiteral},      {"NaN", "null", EditKind::kNulled},
    {"nan", "null", EditKind::kNulled},       {"-NaN", "null", EditKind::kNulled},
    {"Infinity", "null", EditKind::kNulled},  {"-Infinity", "null", EditKind::kNulled},
    {"+Infinity", "null", EditKind::kNulled}, {"inf", "null", EditKind::kNulled},
    {"-inf", "null", EditKind::kNulled},      {"undefined", "null", EditKind::kNulled},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsAtomByte(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' ||
         c == '.' || c == '_';
}

std::string_view TakeDigits(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), IsDigit);
  const std::string_view digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(digits.size());
  return digits;
}

bool TakeOne(std::string_view& rest, std::string_view any_of) {
  if (rest.empty() || any_of.find(rest[0]) == std::string_view::npos) return false;
  rest.remove_prefix(1);
  return true;
}

// "1F" → "31".
std::optional<std::string> Decimal(std::string_view hex_digits) {
  std::uint64_t number = 0;
  const char* const end = hex_digits.data() + hex_digits.size();
  const auto [stop, code] = std::from_chars(hex_digits.data(), end, number, 16);
  if (hex_digits.empty() || code != std::errc{} || stop != end) return std::nullopt;
  return std::to_string(number);
}

// The number in JSON's form; nullopt if it is none.
std::optional<std::string> ReadNumber(std::string_view rest) {
  std::string number;
  if (rest[0] == '-') number = "-";
  TakeOne(rest, "+-");
  if (rest.starts_with("0x") || rest.starts_with("0X")) {
    const auto decimal = Decimal(rest.substr(2));
    return decimal ? std::optional(number + *decimal) : std::nullopt;
  }
  std::string_view whole = TakeDigits(rest);
  const bool point = TakeOne(rest, ".");
  const std::string_view fraction = TakeDigits(rest);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
  number += whole.empty() ? "0" : whole;
  if (point) {
    number += '.';
    number += fraction.empty() ? "0" : fraction;
  }
  if (!rest.empty()) {
    const std::string_view exponent = rest;
    if (!TakeOne(rest, "eE")) return std::nullopt;
    TakeOne(rest, "+-");
    if (TakeDigits(rest).empty() || !rest.empty()) return std::nullopt;
    number += exponent;
  }
  return number;
}

}  // namespace

Token ReadLooseAtom(std::string_view text, std::size_t& at, std::string& out, Edits& edits) {
  const std::string_view rest = text.substr(at, kMaxAtomBytes);
  const auto end = std::find_if_not(rest.begin(), rest.end(), IsAtomByte);
  const std::string_view atom = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  if (atom.empty()) return Token::kBroken;
  if (at + atom.size() == text.size()) {
    at = text.size();
    return Token::kCut;
  }
  for (const Word& word : kWords) {
    if (atom != word.written) continue;
    if (word.edit) edits.Add(*word.edit);
    out += word.meant;
    at += atom.size();
    return Token::kWhole;
  }
  if (atom.size() == kMaxAtomBytes) return Token::kBroken;
  const auto number = ReadNumber(atom);
  if (!number) return Token::kBroken;
  if (*number != atom) edits.Add(EditKind::kNumber);
  out += *number;
  at += atom.size();
  return Token::kWhole;
}

}  // namespace llmbatch::answers
