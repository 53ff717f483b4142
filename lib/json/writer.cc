#include "json/writer.h"

#include <charconv>
#include <cmath>

#include "base/check.h"
#include "json/quote.h"

namespace llmbatch::json {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kLongestSequenceBytes = 4;

// `text` with U+FFFD in the place of each byte that belongs to no well-formed sequence.
std::string Sanitize(std::string_view text) {
  std::string clean;
  clean.reserve(text.size() + kReplacement.size());
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < kLongestSequenceBytes && !IsUtf8Quick(text.substr(0, length))) ++length;
    const std::string_view sequence = text.substr(0, length);
    const bool sound = IsUtf8Quick(sequence);
    clean += sound ? sequence : kReplacement;
    text.remove_prefix(sound ? sequence.size() : 1);
  }
  return clean;
}

void AppendSanitized(std::string& out, std::string_view text) {
  if (IsUtf8Quick(text)) {
    AppendQuoted(out, text);
  } else {
    AppendQuoted(out, Sanitize(text));
  }
}

template <typename Number>
void AppendNumber(std::string& out, Number number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number);
  out.append(buffer, end.ptr);
}

}  // namespace

void Writer::BeforeValue() {
  if (levels_.empty()) {
    LLMBATCH_CHECK(!root_written_);
    root_written_ = true;
    return;
  }
  Level& level = levels_.back();
  if (level.scope == Scope::kObject) {
    LLMBATCH_CHECK(level.key_written);
    level.key_written = false;
    return;
  }
  if (!level.empty) out_ += ',';
  level.empty = false;
}

Writer& Writer::BeginObject() {
  BeforeValue();
  levels_.push_back({.scope = Scope::kObject});
  out_ += '{';
  return *this;
}

Writer& Writer::EndObject() {
  LLMBATCH_CHECK(!levels_.empty() && levels_.back().scope == Scope::kObject &&
                 !levels_.back().key_written);
  levels_.pop_back();
  out_ += '}';
  return *this;
}

Writer& Writer::BeginArray() {
  BeforeValue();
  levels_.push_back({.scope = Scope::kArray});
  out_ += '[';
  return *this;
}

Writer& Writer::EndArray() {
  LLMBATCH_CHECK(!levels_.empty() && levels_.back().scope == Scope::kArray);
  levels_.pop_back();
  out_ += ']';
  return *this;
}

Writer& Writer::Key(std::string_view name) {
  LLMBATCH_CHECK(!levels_.empty() && levels_.back().scope == Scope::kObject &&
                 !levels_.back().key_written);
  Level& level = levels_.back();
  if (!level.empty) out_ += ',';
  level.empty = false;
  level.key_written = true;
  AppendSanitized(out_, name);
  out_ += ':';
  return *this;
}

Writer& Writer::String(std::string_view text) {
  BeforeValue();
  AppendSanitized(out_, text);
  return *this;
}

Writer& Writer::Int(std::int64_t number) {
  BeforeValue();
  AppendNumber(out_, number);
  return *this;
}

Writer& Writer::Double(double number) {
  if (!std::isfinite(number)) return Null();
  BeforeValue();
  AppendNumber(out_, number);
  return *this;
}

Writer& Writer::Bool(bool value) { return Raw(value ? "true" : "false"); }

Writer& Writer::Null() { return Raw("null"); }

Writer& Writer::Raw(std::string_view json) {
  BeforeValue();
  out_ += json;
  return *this;
}

std::string Writer::Take() {
  LLMBATCH_CHECK(levels_.empty() && root_written_);
  root_written_ = false;
  return std::exchange(out_, {});
}

std::string Quote(std::string_view text) {
  std::string quoted;
  quoted.reserve(text.size() + 2);
  AppendSanitized(quoted, text);
  return quoted;
}

}  // namespace llmbatch::json
