// Parts that several messages have in common, for the files of this module.
#pragma once

#include <optional>

#include "json/writer.h"
#include "model/money.h"
#include "model/result.h"
#include "model/usage.h"

namespace llmbatch::wire {

// Each writes a key and its value.
void WriteUsage(json::Writer& writer, const model::Usage& usage);
// Two keys, if there is something in doubt.
void WriteCost(json::Writer& writer, const std::optional<model::NanoUsd>& cost,
               const std::optional<model::NanoUsd>& in_doubt);
// Nothing for an answer that could be read as it was.
void WriteRepair(json::Writer& writer, const model::ItemOutcome& outcome);
void WriteError(json::Writer& writer, const std::optional<model::ItemError>& error);

}  // namespace llmbatch::wire
