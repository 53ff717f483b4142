// The ledger's value: how one item ended, as a text that a later version can still read.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/result.h"

namespace llmbatch::wire {

std::string EncodeOutcome(const model::ItemOutcome& outcome);

// Reads what EncodeOutcome wrote; output_json comes back as compact JSON. Whatever else it is given
// is an error that names the field.
base::Result<model::ItemOutcome> DecodeOutcome(std::string_view text);

}  // namespace llmbatch::wire
