// Streamed answers: the events of a server-sent event stream, and what can go wrong in one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "twin/faults.h"

namespace llmbatch::twin {

// Each is a whole event, its blank line included.
using StreamEvents = std::vector<std::string>;

// `name` may be empty.
std::string MakeEvent(std::string_view name, std::string_view data);
// `text` as a JSON string, quotation marks included.
std::string Quote(std::string_view text);
// `text` in pieces of a few words, none of which ends within a character. At least one.
std::vector<std::string_view> CutIntoPieces(std::string_view text);

// The body of the stream, with the fault half-way through it; `error` is the event that tells of an
// error.
std::string JoinEvents(const StreamEvents& events, FaultKind fault, const std::string& error);

}  // namespace llmbatch::twin
