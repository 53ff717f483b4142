// Planted: what an item itself says of the answer that it should get, so that a test knows it.
#pragma once

#include <optional>
#include <string>

#include "twin/items.h"

namespace llmbatch::twin {

// The object with what is planted in its item, or nullopt if nothing is.
//
// `"twin": {…}` of the item's input: these members in place of the object's own, if it has them.
// `"classifications": ["a", "a #1", "b"]`, with a schema that has `groups`: names that are the same
// up to a number sign and what follows it mean the same.
std::optional<std::string> WithPlanted(const Item& item, const std::string& object);

}  // namespace llmbatch::twin
