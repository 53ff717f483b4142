#include "answers/mender.h"

#include <algorithm>
#include <utility>

#include "answers/loose_atom.h"
#include "answers/loose_string.h"
#include "answers/scanner.h"

namespace llmbatch::answers {
namespace {

bool IsCloser(char c) { return c == '}' || c == ']'; }

class Mender {
 public:
  Mender(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  Mended Run() {
    Open();
    State state = State::kContinue;
    while (state == State::kContinue) {
      at_ = SkipGap(text_, at_, mended_.edits);
      if (at_ == text_.size() || IsUnfinishedAt(text_, at_)) {
        state = State::kCut;
      } else {
        state = Step();
      }
      if (mended_.edits.over_limit()) state = State::kBroken;
    }
    mended_.outcome = state == State::kDone  ? Token::kWhole
                      : state == State::kCut ? Token::kCut
                                             : Token::kBroken;
    // What was taken for the first name may be prose with the answer in it.
    const bool was_prose = state == State::kBroken && !mended_.has_member;
    mended_.end = was_prose ? std::min(at_, name_begin_) : at_;
    mended_.open_brackets = depth_;
    return std::move(mended_);
  }

 private:
  enum class State { kContinue, kDone, kCut, kBroken };
  enum class Expected { kElementOrEnd, kColon, kValue };
  enum class Last { kNothing, kAtom, kOther };

  struct Level {
    bool is_object = false;
    Last last = Last::kNothing;  // the element or member before
    bool comma = false;          // behind it, or before the first
  };

  Level& Top() { return levels_[depth_ - 1]; }

  State Step() {
    const char c = text_[at_];
    switch (expected_) {
      case Expected::kColon:
        return Colon(c);
      case Expected::kValue:
        return Value(c);
      case Expected::kElementOrEnd:
        break;
    }
    if (c == ',') return Comma();
    if (IsCloser(c)) return Close(c);
    if (IsFenceAt(text_, at_)) return CloseAll();
    return Top().is_object ? Name(c) : Element(c);
  }

  State Colon(char c) {
    if (c != ':') return State::kBroken;
    ++at_;
    mended_.json += ':';
    mended_.has_member = true;
    expected_ = Expected::kValue;
    return State::kContinue;
  }

  State Comma() {
    ++at_;
    if (Top().comma || Top().last == Last::kNothing) mended_.edits.Add(EditKind::kComma);
    Top().comma = true;
    return State::kContinue;
  }

  State Element(char c) {
    if (depth_ == 1 && Top().last == Last::kNothing && c != '{') return State::kBroken;
    const bool structured = c == '{' || c == '[' || IsQuote();
    // "1 000" could be one number.
    if (Top().last == Last::kAtom && !Top().comma && !structured) return State::kBroken;
    BeginElement();
    return Value(c);
  }

  State Name(char c) {
    name_begin_ = at_;
    if (IsQuote()) {
      BeginElement();
      expected_ = Expected::kColon;
      return StateOf(ReadLooseString(text_, StringPlace::kName, at_, mended_.json, mended_.edits));
    }
    const std::size_t bytes = BareNameLength(text_, at_);
    if (bytes == 0 || bytes > kMaxNameBytes || c == '-') return State::kBroken;
    if (at_ + bytes == text_.size()) {
      at_ = text_.size();
      return State::kCut;
    }
    BeginElement();
    expected_ = Expected::kColon;
    mended_.edits.Add(EditKind::kName);
    mended_.json += '"';
    mended_.json.append(text_, at_, bytes);
    mended_.json += '"';
    at_ += bytes;
    return State::kContinue;
  }

  State Value(char c) {
    if (c == '{' || c == '[') {
      if (depth_ == kMaxScanDepth) return State::kBroken;
      Top().last = Last::kOther;
      Open();
      return State::kContinue;
    }
    expected_ = Expected::kElementOrEnd;
    if (IsQuote()) {
      const StringPlace place = Top().is_object ? StringPlace::kMember : StringPlace::kElement;
      Top().last = Last::kOther;
      return StateOf(ReadLooseString(text_, place, at_, mended_.json, mended_.edits));
    }
    Top().last = Last::kAtom;
    return StateOf(ReadLooseAtom(text_, at_, mended_.json, mended_.edits));
  }

  static State StateOf(Token token) {
    if (token == Token::kCut) return State::kCut;
    return token == Token::kWhole ? State::kContinue : State::kBroken;
  }

  // The comma before an element or member, whether it is in the text or not.
  void BeginElement() {
    Level& level = Top();
    if (level.last != Last::kNothing) {
      mended_.json += ',';
      if (!level.comma) mended_.edits.Add(EditKind::kComma);
    }
    level.comma = false;
  }

  void Open() {
    const bool is_object = text_[at_++] == '{';
    levels_[depth_++] = {.is_object = is_object};
    mended_.json += is_object ? '{' : '[';
    expected_ = Expected::kElementOrEnd;
  }

  State Close(char c) {
    const bool closes_object = c == '}';
    if (Top().is_object == closes_object) {
      ++at_;
      return Pop();
    }
    std::size_t match = depth_;
    while (match > 0 && levels_[match - 1].is_object != closes_object) --match;
    if (match == 0) return CloseStray();
    while (depth_ > match) {
      mended_.edits.Add(EditKind::kBracket);
      Pop();
    }
    ++at_;
    return Pop();
  }

  // A bracket that closes nothing: one too many, or the wrong one at the very end.
  State CloseStray() {
    const bool more = GoesOn(at_ + 1);
    if (!more && depth_ > 1) return State::kBroken;
    mended_.edits.Add(EditKind::kBracket);
    ++at_;
    return more ? State::kContinue : Pop();
  }

  // The end of a fence tells that the model has ended, and forgot the rest.
  State CloseAll() {
    if (Top().is_object && Top().comma) return State::kCut;
    mended_.edits.Add(EditKind::kBracket, depth_);
    State state = State::kContinue;
    while (state == State::kContinue) state = Pop();
    return state;
  }

  State Pop() {
    if (Top().comma && Top().last != Last::kNothing) mended_.edits.Add(EditKind::kComma);
    mended_.json += Top().is_object ? '}' : ']';
    --depth_;
    if (depth_ > 0) return State::kContinue;
    // The brackets were mended at the wrong place if the text needs more of them.
    const bool doubtful = mended_.edits.Of(EditKind::kBracket) > 0 && GoesOn(at_);
    return doubtful ? State::kBroken : State::kDone;
  }

  bool GoesOn(std::size_t at) const {
    at = SkipBlanks(text_, at);
    return at < text_.size() && (text_[at] == ',' || IsCloser(text_[at]));
  }

  bool IsQuote() const { return QuoteAt(text_, at_).style != QuoteStyle::kNone; }

  std::string_view text_;
  std::size_t at_;
  std::size_t name_begin_ = std::string_view::npos;
  Expected expected_ = Expected::kElementOrEnd;
  std::size_t depth_ = 0;
  Level levels_[kMaxScanDepth];
  Mended mended_;
};

}  // namespace

Mended MendValue(std::string_view text, std::size_t at) { return Mender(text, at).Run(); }

}  // namespace llmbatch::answers
