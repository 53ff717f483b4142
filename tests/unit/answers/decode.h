// Writes what DecodeAnswers gives as one line, so that a table can hold it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "answers/decoder.h"

namespace llmbatch::answers {

// For items a, b, c …: "a={…} b:missing c:duplicate", then "foreign=n", "truncated" and the repair
// where there are any; "error" if there is no answer.
inline std::string Decode(std::string_view text, const std::vector<std::string>& nonces,
                          Ending ending = Ending::kWhole, const json::Schema* schema = nullptr) {
  const auto decoded = DecodeAnswers(text, nonces, schema, ending);
  if (!decoded) return "error";
  std::string line;
  for (std::size_t i = 0; i < nonces.size(); ++i) {
    if (i > 0) line += ' ';
    line += nonces[i];
    line += decoded->outputs[i] ? "=" + *decoded->outputs[i]
                                : ":" + std::string(ToString(decoded->problems[i]));
  }
  if (decoded->foreign_ids > 0) line += " foreign=" + std::to_string(decoded->foreign_ids);
  if (decoded->truncated) line += " truncated";
  if (decoded->repair != Repair::kNone) line += " " + std::string(ToString(decoded->repair));
  return line;
}

}  // namespace llmbatch::answers
