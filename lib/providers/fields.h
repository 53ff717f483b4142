// Reading members of a provider's answer: what is missing or nonsense is told, never trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"
#include "ports/record.h"

namespace llmbatch::providers {

// Empty if there is no such member, or no text.
std::string StringAt(json::Value object, std::string_view name);
// nullopt if there is no such member, or no array.
std::optional<json::Value> ArrayAt(json::Value object, std::string_view name);

// A number of tokens; nullopt if it is missing, negative, or more than any call has.
std::optional<std::int64_t> TokensAt(json::Value object, std::string_view name);
// The same, with 0 for one that is missing or null.
std::optional<std::int64_t> TokensOrZeroAt(json::Value object, std::string_view name);
// A number within the member `details`, never above `whole`; 0 if it can't be read.
std::int64_t PartAt(json::Value usage, std::string_view details, std::string_view name,
                    std::int64_t whole);

// The provider's id of the request, from that header or else from that member, if it is fit for
// logs.
std::string ReadRequestId(const ports::HttpResponse& response, std::string_view header,
                          json::Value root, std::string_view member);

}  // namespace llmbatch::providers
