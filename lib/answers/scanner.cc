#include "answers/scanner.h"

#include <cstdint>

namespace llmbatch::answers {
namespace {

constexpr std::string_view kListName = "\"results\"";

class Scanner {
 public:
  Scanner(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  Scan Run() {
    State state = State::kContinue;
    while (state == State::kContinue) {
      while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
      state = at_ == text_.size() ? State::kCut : Step();
    }
    scan_.outcome = state == State::kDone  ? Scan::Outcome::kWhole
                    : state == State::kCut ? Scan::Outcome::kCut
                                           : Scan::Outcome::kBroken;
    scan_.end = at_;
    scan_.open_brackets = depth_;
    return std::move(scan_);
  }

 private:
  enum class State { kContinue, kDone, kCut, kBroken };
  enum class Expected : std::uint8_t {
    kValue,
    kValueOrEnd,  // behind '['
    kName,
    kNameOrEnd,  // behind '{'
    kColon,
    kCommaOrEnd,
  };

  State Step() {
    const char c = text_[at_];
    switch (expected_) {
      case Expected::kValueOrEnd:
        if (c == ']') return Close();
        return Value(c);
      case Expected::kValue:
        return Value(c);
      case Expected::kNameOrEnd:
        if (c == '}') return Close();
        return Name(c);
      case Expected::kName:
        return Name(c);
      case Expected::kColon:
        if (c != ':') return State::kBroken;
        ++at_;
        scan_.has_member = true;
        expected_ = Expected::kValue;
        return State::kContinue;
      case Expected::kCommaOrEnd:
        break;
    }
    if (c == (InObject() ? '}' : ']')) return Close();
    if (c != ',') return State::kBroken;
    ++at_;
    expected_ = InObject() ? Expected::kName : Expected::kValue;
    return State::kContinue;
  }

  State Value(char c) {
    if (c != '{' && depth_ == list_depth_) scan_.list_has_others = true;
    if (c == '{' || c == '[') return Open(c);
    const State state = c == '"' ? String() : Atom();
    expected_ = Expected::kCommaOrEnd;
    return state;
  }

  State Name(char c) {
    if (c != '"') return State::kBroken;
    const std::size_t begin = at_;
    const State state = String();
    at_list_ = depth_ == 1 && text_.substr(begin, at_ - begin) == kListName;
    expected_ = Expected::kColon;
    return state;
  }

  State Open(char bracket) {
    if (depth_ == kMaxScanDepth) return State::kBroken;
    const bool is_list = bracket == '[' && (depth_ == 0 || at_list_);
    if (is_list) {
      if (scan_.has_list) return State::kBroken;
      scan_.has_list = true;
      list_depth_ = depth_ + 1;
    }
    if (bracket == '{' && depth_ == list_depth_) element_begin_ = at_;
    at_list_ = false;
    is_object_[depth_++] = bracket == '{';
    ++at_;
    expected_ = bracket == '{' ? Expected::kNameOrEnd : Expected::kValueOrEnd;
    return State::kContinue;
  }

  State Close() {
    const bool was_object = InObject();
    --depth_;
    ++at_;
    if (depth_ == 0) return State::kDone;
    if (was_object && depth_ == list_depth_) scan_.elements.push_back({element_begin_, at_});
    if (depth_ < list_depth_) list_depth_ = kNoList;
    expected_ = Expected::kCommaOrEnd;
    return State::kContinue;
  }

  // From the quotation mark to behind the next one that is not escaped.
  State String() {
    ++at_;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return State::kContinue;
      }
      if (c < 0x20) return State::kBroken;
      at_ += c == '\\' ? 2 : 1;
    }
    at_ = text_.size();
    return State::kCut;
  }

  // A number or one of the three words.
  State Atom() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && IsAtomChar(text_[at_])) ++at_;
    const std::string_view atom = text_.substr(begin, at_ - begin);
    const bool ended = at_ < text_.size();
    if (!atom.empty() && (atom[0] == '-' || (atom[0] >= '0' && atom[0] <= '9'))) {
      return State::kContinue;
    }
    for (const std::string_view word : {"true", "false", "null"}) {
      if (atom == word || (!ended && word.starts_with(atom))) return State::kContinue;
    }
    at_ = begin;
    return State::kBroken;
  }

  static bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  static bool IsAtomChar(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '-' || c == '+' ||
           c == '.';
  }

  bool InObject() const { return is_object_[depth_ - 1]; }

  static constexpr std::size_t kNoList = kMaxScanDepth + 1;

  std::string_view text_;
  std::size_t at_;
  Expected expected_ = Expected::kValue;
  std::size_t depth_ = 0;
  bool is_object_[kMaxScanDepth] = {};
  bool at_list_ = false;              // the last name was that of the list
  std::size_t list_depth_ = kNoList;  // inside the list: its depth
  std::size_t element_begin_ = 0;
  Scan scan_;
};

}  // namespace

Scan ScanValue(std::string_view text, std::size_t at) { return Scanner(text, at).Run(); }

}  // namespace llmbatch::answers
