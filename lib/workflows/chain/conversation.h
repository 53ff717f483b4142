// Conversation: what was asked and answered in a chain, as much of it as may be told again.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "model/turn.h"

namespace llmbatch::workflows {

class Conversation {
 public:
  // Once it has more than so many bytes it can't be told as a whole any more.
  explicit Conversation(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void Add(std::string question, std::string answer);

  bool fits() const { return bytes_ <= max_bytes_; }
  // All of it. REQUIRES: fits()
  const std::vector<model::Turn>& Whole() const { return turns_; }
  // The last exchanges, at most `exchanges`, as far as they fit.
  std::vector<model::Turn> Last(std::size_t exchanges) const;

 private:
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::vector<model::Turn> turns_;  // a question and its answer by turns
};

}  // namespace llmbatch::workflows
