// Fingerprints: what makes two pieces of work the same piece, so that an answer need not be paid
// twice.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/item.h"
#include "model/task.h"

namespace llmbatch::ledger {

// SHA-256 over the parts, each preceded by its length, as 64 hexadecimal digits: "a"+"bc" differs
// from "ab"+"c".
std::string Fingerprint(std::span<const std::string_view> parts);

// Changes with everything in the recipe that can change an answer.
std::string TaskVersion(const model::Task& task);

// Key under which the outcome of a request's step is kept for a replay. Free of the model, so that
// an outcome is found again after the route has changed. `identity` is the request's, `step` tells
// steps of one request apart.
std::string ReplayKey(std::string_view identity, std::string_view step,
                      std::string_view task_version, const model::ItemInput& input);

// Key under which an answer is kept for whoever asks the same of the same models. `tenant` is empty
// unless tenants are kept apart.
std::string ContentKey(std::string_view tenant, const model::Task& task,
                       std::string_view task_version, const model::ItemInput& input);

// The `llmbatch-id` header of a published message: 32 hexadecimal digits. The same message
// published again has the same one, so that a reader can drop the repeat. `kind` is the message's,
// `sequence` counts messages of one kind for one identity.
std::string MessageId(std::string_view identity, std::string_view kind, std::int64_t sequence);

// SHA-256 of bytes as 64 hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

// HMAC-SHA-256 of a text as 64 hexadecimal digits: who doesn't know the secret can't tell which
// text it was, not even by trying those that are likely.
std::string KeyedHex(std::string_view secret, std::string_view text);

}  // namespace llmbatch::ledger
