#include "http/end_mark.h"

#include <algorithm>
#include <utility>

namespace llmbatch::http {

EndMark::EndMark(std::vector<std::string> lines) : lines_(std::move(lines)) {
  // One byte more, so that a longer line isn't taken for a mark.
  for (const std::string& line : lines_) max_kept_ = std::max(max_kept_, line.size() + 1);
}

void EndMark::Feed(std::string_view piece) {
  while (!piece.empty() && !seen_) {
    if (std::exchange(after_cr_, false) && piece.front() == '\n') {
      piece.remove_prefix(1);
      continue;
    }
    const std::size_t end = piece.find_first_of("\r\n");
    line_.append(piece.substr(0, std::min(end, max_kept_ - line_.size())));
    if (end == std::string_view::npos) return;
    after_cr_ = piece[end] == '\r';
    piece.remove_prefix(end + 1);
    OnLineEnd();
  }
}

void EndMark::OnLineEnd() {
  if (line_.empty()) {
    seen_ = in_last_event_;
  } else if (std::find(lines_.begin(), lines_.end(), line_) != lines_.end()) {
    in_last_event_ = true;
  }
  line_.clear();
}

}  // namespace llmbatch::http
