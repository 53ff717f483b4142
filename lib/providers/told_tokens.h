// ToldPromptTokens: how long a prompt was, by an error that refuses it for its length.
#pragma once

#include <cstdint>
#include <optional>

#include "providers/error_body.h"

namespace llmbatch::providers {

// Of an error of class kContextTooLong, in the words of any provider: the tokens of what was sent,
// without the room for the answer. nullopt if it doesn't tell them, or tells nonsense.
std::optional<std::int64_t> ToldPromptTokens(const ErrorBody& error);

}  // namespace llmbatch::providers
