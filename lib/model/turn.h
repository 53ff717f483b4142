// Turn: what was said before, in a conversation with a model.
#pragma once

#include <string>

namespace llmbatch::model {

enum class Speaker { kUser, kModel };

struct Turn {
  Speaker speaker = Speaker::kUser;
  std::string text;

  friend bool operator==(const Turn&, const Turn&) = default;
};

}  // namespace llmbatch::model
