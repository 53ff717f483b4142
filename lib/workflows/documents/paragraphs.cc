#include "workflows/documents/paragraphs.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/utf8.h"
#include "workflows/documents/document.h"

namespace llmbatch::workflows {
namespace {

// What ends a piece, the best first.
constexpr std::array<std::string_view, 4> kEnds{"\n\n", "\n", ". ", " "};

// Cuts `text` behind each `end`.
std::vector<std::string_view> Pieces(std::string_view text, std::string_view end) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t at = text.find(end);
    const std::size_t length = at == std::string_view::npos ? text.size() : at + end.size();
    pieces.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return pieces;
}

// Of few bytes each: no character has more than four tokens.
std::vector<std::string_view> Slices(std::string_view text, std::int64_t max_tokens) {
  std::vector<std::string_view> slices;
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(16, max_tokens / 4));
  while (!text.empty()) {
    const std::size_t whole = base::TruncateUtf8(text, most).size();
    const std::size_t length = whole > 0 ? whole : std::min(most, text.size());
    slices.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return slices;
}

class Splitter {
 public:
  explicit Splitter(std::int64_t max_tokens) : max_tokens_(max_tokens) {}

  // `level` is how the text is cut if it doesn't fit as a whole.
  void Add(std::string_view text, std::size_t level) {
    const std::int64_t tokens = TokensOf(text);
    if (tokens <= max_tokens_) return Put(text, tokens);
    const auto pieces =
        level < kEnds.size() ? Pieces(text, kEnds[level]) : Slices(text, max_tokens_);
    // A slice is small enough by its length.
    for (const std::string_view piece : pieces)
      level < kEnds.size() ? Add(piece, level + 1) : Put(piece, TokensOf(piece));
  }

  std::vector<std::string> Take() {
    if (!open_.empty()) Close();
    return std::move(parts_);
  }

 private:
  void Put(std::string_view piece, std::int64_t tokens) {
    if (!open_.empty() && open_tokens_ + tokens > max_tokens_) Close();
    open_ += piece;
    open_tokens_ += tokens;
  }
  void Close() {
    parts_.push_back(std::move(open_));
    open_.clear();
    open_tokens_ = 0;
  }

  std::int64_t max_tokens_;
  std::string open_;
  std::int64_t open_tokens_ = 0;
  std::vector<std::string> parts_;
};

}  // namespace

std::vector<std::string> SplitText(std::string_view text, std::int64_t max_tokens) {
  LLMBATCH_CHECK(max_tokens >= kLeastPartTokens);
  Splitter splitter(max_tokens);
  splitter.Add(text, 0);
  return splitter.Take();
}

}  // namespace llmbatch::workflows
