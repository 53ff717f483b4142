#include "workflows/chain/conversation.h"

#include <algorithm>

namespace llmbatch::workflows {

void Conversation::Add(std::string question, std::string answer) {
  bytes_ += question.size() + answer.size();
  turns_.push_back({.speaker = model::Speaker::kUser, .text = std::move(question)});
  turns_.push_back({.speaker = model::Speaker::kModel, .text = std::move(answer)});
}

std::vector<model::Turn> Conversation::Last(std::size_t exchanges) const {
  std::size_t first = turns_.size();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < exchanges && first >= 2; ++i) {
    bytes += turns_[first - 1].text.size() + turns_[first - 2].text.size();
    if (bytes > max_bytes_) break;
    first -= 2;
  }
  return {turns_.begin() + static_cast<std::ptrdiff_t>(first), turns_.end()};
}

}  // namespace llmbatch::workflows
