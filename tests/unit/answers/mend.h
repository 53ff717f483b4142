// Writes what MendValue gives as one line, so that a table can hold it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "answers/mender.h"
#include "json/value.h"

namespace llmbatch::answers {

// "comma", "comma quote*4": in the order of EditKind.
inline std::string Describe(const Edits& edits) {
  std::string line;
  for (std::size_t i = 0; i < kEditKinds; ++i) {
    const auto kind = static_cast<EditKind>(i);
    const std::size_t times = edits.Of(kind);
    if (times == 0) continue;
    line += (line.empty() ? "" : " ") + std::string(ToString(kind));
    if (times > 1) line += "*" + std::to_string(times);
  }
  return line;
}

// The mended value; "cut" or "broken" if there is none; "wrong: …" for one that is no JSON.
inline std::string Mend(std::string_view text) {
  const Mended mended = MendValue(text, 0);
  if (mended.outcome == Token::kCut) return "cut";
  if (mended.outcome == Token::kBroken) return "broken";
  return json::Document::Parse(mended.json) ? mended.json : "wrong: " + mended.json;
}

}  // namespace llmbatch::answers
