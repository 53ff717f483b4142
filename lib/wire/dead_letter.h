// A dead letter: the message that keeps a record which can't be processed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/item.h"
#include "ports/record.h"

namespace llmbatch::wire {

struct DeadLetter {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<model::Header> headers;
};

struct DeadLetterOptions {
  base::WallTime at;
  int attempts = 1;
  std::size_t max_bytes = 8U << 20;  // of key, value and headers together
  std::string sha256_hex;            // of the record's value; stands in for one that doesn't fit
};

// The record's key, value and headers as they came, and the headers dlq-reason, dlq-detail,
// dlq-topic, dlq-partition, dlq-offset, dlq-attempts and dlq-at. Where that is larger than
// max_bytes the value becomes null, told by dlq-size and dlq-sha256; then the headers go, told by
// dlq-headers-dropped; then the key. dlq-* headers and the llmbatch-id that the record had are
// replaced.
DeadLetter EncodeDeadLetter(const ports::Record& record, std::string_view reason,
                            std::string_view detail, const DeadLetterOptions& options);

}  // namespace llmbatch::wire
