// DecodeAnswers: finds in a model's text the answer to each item of a batch.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answers/edits.h"
#include "base/result.h"
#include "json/schema.h"

namespace llmbatch::answers {

inline constexpr std::size_t kMaxAnswerBytes = 4U << 20;

// Whether the provider says that the answer was cut off at the output limit.
enum class Ending { kWhole, kCutOff };

// Why an item has no output.
enum class Problem {
  kNone,
  kMissing,    // no object with its id
  kDuplicate,  // several
  kInvalid,    // one, that the schema refuses
};
std::string_view ToString(Problem problem);

// What had to be done to read the answer.
enum class Repair {
  kNone,
  kExtracted,  // taken out of fences, prose or thoughts
  kFixed,      // broken JSON mended; `edits` tells how
  kTruncated,  // whole objects kept of a text that ends inside
};
std::string_view ToString(Repair repair);

struct DecodedAnswers {
  // In the order of the nonces: the item's object as JSON, without its member `id`.
  std::vector<std::optional<std::string>> outputs;
  std::vector<Problem> problems;  // kNone where there is an output
  int foreign_ids = 0;            // objects with an id that was not asked for, or without one
  Repair repair = Repair::kNone;
  Edits edits;             // what was mended; of kind kNulled where null stands for NaN or infinity
  bool truncated = false;  // the answer was cut off, so items may be missing for that reason
};

// Expects [{"id": nonce, …}, …] or {"results": [{"id": nonce, …}, …]}, alone or with fences, prose
// or thoughts around it; for one nonce also {"id": nonce, …}, for several such objects one behind
// the other. Of several values in the text, the one that answers the most items counts, then the
// longest. Broken JSON is mended (mender.h) only where JSON alone leaves an item without an answer.
// Never takes half an object, and never an object nested in another for an answer: of a text that
// ends inside, only the brackets around whole objects are added.
//
// `schema` is that of one output; nullptr: any object will do. A null for a property that may be
// missing but not null counts as missing, and is left out of the output. The error is kTooLarge, or
// kInvalid for a text in which nothing has the form of an answer; it doesn't quote the text.
base::Result<DecodedAnswers> DecodeAnswers(std::string_view text,
                                           std::span<const std::string> nonces,
                                           const json::Schema* schema, Ending ending);

}  // namespace llmbatch::answers
