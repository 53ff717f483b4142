#include "tokens/features.h"

#include <algorithm>

namespace llmbatch::tokens {
namespace {

// What a byte can be. Bits, so that one test asks for several.
enum ByteClass : std::uint8_t {
  kSmall = 1,
  kCapital = 2,
  kDigit = 4,
  kBlank = 8,  // and control characters
  kLineEnd = 16,
  kPunctuation = 32,
  kHigh = 64,        // part of a non-ASCII character
  kMixedMark = 128,  // + / =, which base64 has between letters and digits
};
constexpr std::uint8_t kAnyLetter = kSmall | kCapital;
constexpr std::uint8_t kMixed = kAnyLetter | kDigit | kMixedMark;

constexpr std::array<std::uint8_t, 256> kByteClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::uint8_t cls = kPunctuation;
    if (byte <= ' ' || byte == 0x7F) cls = kBlank;
    if (byte == '\n' || byte == '\r') cls = kLineEnd;
    if (byte >= '0' && byte <= '9') cls = kDigit;
    if (byte >= 'a' && byte <= 'z') cls = kSmall;
    if (byte >= 'A' && byte <= 'Z') cls = kCapital;
    if (byte == '+' || byte == '/' || byte == '=') cls = kPunctuation | kMixedMark;
    if (byte >= 0x80) cls = kHigh;
    classes[byte] = cls;
  }
  return classes;
}();

struct ScriptRange {
  char32_t first;
  char32_t last;
  Feature script;
};

// In steps of 16 code points, as the table below.
constexpr ScriptRange kScriptRanges[] = {
    {0x00C0, 0x02AF, kLatinExtended},
    {0x0370, 0x03FF, kGreek},
    {0x0400, 0x052F, kCyrillic},
    {0x0590, 0x05FF, kHebrew},
    {0x0600, 0x06FF, kArabic},
    {0x0750, 0x077F, kArabic},
    {0x0900, 0x097F, kDevanagari},
    {0x0E00, 0x0E7F, kThai},
    {0x1100, 0x11FF, kHangul},
    {0x1E00, 0x1EFF, kLatinExtended},
    {0x1F00, 0x1FFF, kGreek},
    {0x2000, 0x2BFF, kSymbol},
    {0x3000, 0x303F, kCjkPunctuation},
    {0x3040, 0x30FF, kKana},
    {0x3130, 0x318F, kHangul},
    {0x31F0, 0x31FF, kKana},
    {0x3400, 0x4DBF, kHan},
    {0x4E00, 0x9FFF, kHan},
    {0xAC00, 0xD7AF, kHangul},
    {0xF900, 0xFAFF, kHan},
    {0xFB50, 0xFDFF, kArabic},
    {0xFE70, 0xFEFF, kArabic},
    {0xFF00, 0xFF5F, kCjkPunctuation},
    {0xFF60, 0xFF9F, kKana},
};

constexpr std::array<Feature, 0x1000> kScripts = [] {
  std::array<Feature, 0x1000> scripts{};
  for (Feature& script : scripts) script = kOther;
  for (const ScriptRange& range : kScriptRanges) {
    for (std::size_t block = range.first >> 4U; block <= range.last >> 4U; ++block) {
      scripts[block] = range.script;
    }
  }
  return scripts;
}();

// Hex, base64 and the like are only told from words when they are long.
constexpr std::size_t kMinMixedRun = 12;
constexpr std::size_t kUnicodeEscapeLength = 6;

class Counter {
 public:
  explicit Counter(std::string_view text) : text_(text) {}

  FeatureCounts Count() {
    while (at_ < text_.size()) Step();
    return counts_;
  }

 private:
  std::uint8_t ClassAt(std::size_t at) const {
    return kByteClasses[static_cast<unsigned char>(text_[at])];
  }
  // One past the last byte from `at` on that is of one of the classes.
  std::size_t EndOf(std::size_t at, std::uint8_t classes) const {
    while (at < text_.size() && (ClassAt(at) & classes) != 0) ++at;
    return at;
  }
  void Add(Feature feature, std::size_t count = 1) {
    counts_[feature] += static_cast<std::int64_t>(count);
  }

  void Step() {
    const std::uint8_t cls = ClassAt(at_);
    if ((cls & (kAnyLetter | kDigit)) != 0) {
      TakeWordOrNumber(cls);
    } else if ((cls & kBlank) != 0) {
      TakeBlanks();
    } else if ((cls & kPunctuation) != 0) {
      TakePunctuation();
    } else if ((cls & kLineEnd) != 0) {
      TakeLineEnd();
    } else {
      TakeNonAscii();
    }
  }

  void TakeWordOrNumber(std::uint8_t cls) {
    std::size_t end = at_;
    if ((cls & kDigit) != 0) {
      end = EndOf(at_, kDigit);
    } else {
      const std::size_t capitals_end = EndOf(at_, kCapital);
      end = EndOf(capitals_end, kSmall);
    }
    // Most words end at a blank: only the others can be the begin of a mixed run.
    if (at_ >= mixed_checked_end_ && end < text_.size() && (ClassAt(end) & kMixed) != 0 &&
        TakeMixedRun(end)) {
      return;
    }
    if (at_ >= mixed_checked_end_ && (cls & kDigit) != 0 && end - at_ >= kMinMixedRun) {
      Add(kMixedChar, end - at_);
    } else if ((cls & kDigit) != 0) {
      Add(kDigitGroup, (end - at_ + 2) / 3);
    } else {
      CountWord(end - at_, (ClassAt(end - 1) & kCapital) != 0);
    }
    at_ = end;
  }

  // The run from at_ on, of which the part before `end` is known to be one word or number.
  bool TakeMixedRun(std::size_t end) {
    bool has_digit = (ClassAt(at_) & kDigit) != 0;
    for (; end < text_.size() && (ClassAt(end) & kMixed) != 0; ++end) {
      has_digit = has_digit || (ClassAt(end) & kDigit) != 0;
    }
    mixed_checked_end_ = end;
    if (!has_digit || end - at_ < kMinMixedRun) return false;
    Add(kMixedChar, end - at_);
    at_ = end;
    return true;
  }

  void CountWord(std::size_t length, bool capitals) {
    Add(kWord);
    Add(kLetter, length);
    if (length > 5) Add(kLetter6To9, std::min<std::size_t>(length, 9) - 5);
    if (length > 9) Add(kLetterFrom10, length - 9);
    if (capitals && length > 2) Add(kCapitalFrom3, length - 2);
  }

  void TakeBlanks() {
    const std::size_t end = EndOf(at_, kBlank);
    if (end - at_ >= 2) Add(kBlanks);
    if (end < text_.size() && (ClassAt(end) & kDigit) != 0) Add(kBlankBeforeDigit);
    at_ = end;
  }

  void TakeLineEnd() {
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    Add(kNewline);
    at_ = EndOf(at_ + 1, kBlank);
  }

  bool IsUnicodeEscape(std::size_t at) const {
    if (text_[at] != '\\' || text_.size() - at < kUnicodeEscapeLength || text_[at + 1] != 'u') {
      return false;
    }
    const std::string_view digits = text_.substr(at + 2, 4);
    return std::all_of(digits.begin(), digits.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
  }

  void TakePunctuation() {
    const std::size_t start = at_;
    while (at_ < text_.size() && (ClassAt(at_) & kPunctuation) != 0 && !IsUnicodeEscape(at_)) ++at_;
    if (at_ == start) {
      Add(kUnicodeEscape);
      at_ += kUnicodeEscapeLength;
      return;
    }
    Add(kPunctuationRun);
    Add(kPunctuationFurther, at_ - start - 1);
  }

  void TakeNonAscii() {
    Add(kNonAsciiRun);
    while (at_ < text_.size() && (ClassAt(at_) & kHigh) != 0) Add(TakeCharacter());
  }

  bool IsContinuation(std::size_t at) const {
    return at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0U) == 0x80U;
  }
  std::uint32_t Bits(std::size_t at, std::uint32_t mask) const {
    return static_cast<unsigned char>(text_[at]) & mask;
  }

  // Moves behind one character. Not strict: what only looks like UTF-8 costs as much.
  Feature TakeCharacter() {
    const auto lead = static_cast<unsigned char>(text_[at_]);
    if (lead >= 0xC0 && lead < 0xE0 && IsContinuation(at_ + 1)) {
      const std::uint32_t point = Bits(at_, 0x1F) << 6U | Bits(at_ + 1, 0x3F);
      at_ += 2;
      return kScripts[point >> 4U];
    }
    if (lead >= 0xE0 && lead < 0xF0 && IsContinuation(at_ + 1) && IsContinuation(at_ + 2)) {
      const std::uint32_t point =
          Bits(at_, 0x0F) << 12U | Bits(at_ + 1, 0x3F) << 6U | Bits(at_ + 2, 0x3F);
      at_ += 3;
      return kScripts[point >> 4U];
    }
    if (lead >= 0xF0 && IsContinuation(at_ + 1) && IsContinuation(at_ + 2) &&
        IsContinuation(at_ + 3)) {
      at_ += 4;
      return kSupplementary;
    }
    ++at_;
    return kOther;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t mixed_checked_end_ = 0;  // no mixed run begins before it
  FeatureCounts counts_{};
};

}  // namespace

FeatureCounts CountFeatures(std::string_view text) { return Counter(text).Count(); }

}  // namespace llmbatch::tokens
