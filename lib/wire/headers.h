// What the headers of a request mean for its results.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/item.h"

namespace llmbatch::wire {

inline constexpr std::size_t kMaxCarriedHeaders = 32;
inline constexpr std::size_t kMaxCarriedBytes = 8U << 10;  // names and values together

// Whether a header of that name is likely to hold a credential: authorization, cookies, names with
// "api-key", "token" or "secret" in them.
bool IsCredential(std::string_view header);

// The headers that a request's results carry, in their order: trace and correlation ids and
// whatever else producers set. Left out are credentials, what describes the request's own bytes
// (content-type, content-encoding), our own (llmbatch-*, dlq-*), and those that no longer fit the
// limits.
std::vector<model::Header> CarriedHeaders(const std::vector<model::Header>& headers);

// What the header llmbatch-origin says, written like ToString(Origin): the identity of a request
// that was sent again. nullopt if there is none or it isn't one.
std::optional<std::string> ReadOrigin(const std::vector<model::Header>& headers);

// What a record takes of its topic's max.message.bytes, rounded up.
std::size_t RecordBytes(const std::optional<std::string>& key,
                        const std::optional<std::string>& value,
                        const std::vector<model::Header>& headers);

}  // namespace llmbatch::wire
