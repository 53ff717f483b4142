// Makes support conversations in several languages, the same ones for the same seed.
#pragma once

#include <string>

#include "base/rng.h"

namespace llmbatch::demo {

struct Conversation {
  std::string language;  // ISO 639-1
  std::string channel;
  std::string transcript;
};

Conversation MakeConversation(base::Rng& rng);

}  // namespace llmbatch::demo
