// Counting: the tokens of a request, estimated for one of the models that may be asked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pipeline/request.h"

namespace llmbatch::pipeline {

// Of its own input and what was said before. REQUIRES: the recipe has so many lanes
void CountTokens(Request& request, std::size_t lane);
// Of what it shares with the others of its batch.
std::int64_t ContextTokens(const Request& request, std::size_t lane);
// Both, kept in the request. For one that is asked alone.
void CountTokensAlone(Request& request, std::size_t lane);

}  // namespace llmbatch::pipeline
