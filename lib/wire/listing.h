// The text that a list of a message is named by: a JSON array, or one JSON object a line.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"

namespace llmbatch::wire {

// Returns what is wrong with the element, if anything is; that begins with `path` if that isn't
// empty.
using TakeElement =
    std::function<std::optional<std::string>(json::Value element, const std::string& path)>;

// Hands out the elements in their order; each is valid during its call. Lines without anything in
// them are passed over. Returns what is wrong with the text, with the line ("line 3: id: missing")
// or index ("[2].id: missing"), and nothing of its content. Of all elements together there may be
// kMaxJsonValues values in an array; a line has that bound for itself.
std::optional<std::string> ReadListing(std::string_view text, std::size_t max_elements,
                                       const TakeElement& take);

}  // namespace llmbatch::wire
