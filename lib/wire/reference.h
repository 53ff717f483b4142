// A member of a message that says where something is, in place of having it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "json/object_reader.h"
#include "model/document_place.h"

namespace llmbatch::wire {

inline constexpr std::size_t kMaxReferenceCodePoints = 4'096;

// Reads the member `name`: "redis:NAME" or an https URL. nullopt only together with an error.
std::optional<model::DocumentPlace> ReadPlace(json::ObjectReader& reader, std::string_view name);

}  // namespace llmbatch::wire
