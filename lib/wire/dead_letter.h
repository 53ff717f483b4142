// A dead letter: the message that keeps a record which can't be processed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/item.h"
#include "model/origin.h"
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
  std::string sha256_hex;            // of the record's value; stands in for one that isn't kept
  bool keeps_value = true;           // where it fits
};

// The record's key, value and headers as they came, and the headers dlq-reason, dlq-detail,
// dlq-topic, dlq-partition, dlq-offset, dlq-attempts and dlq-at. Where that is larger than
// max_bytes, or the value isn't kept, that becomes null, told by dlq-size and dlq-sha256; then the
// headers go, told by dlq-headers-dropped; then the key, told by dlq-key-dropped (its bytes). dlq-*
// headers and the llmbatch-id that the record had are replaced.
DeadLetter EncodeDeadLetter(const ports::Record& record, std::string_view reason,
                            std::string_view detail, const DeadLetterOptions& options);

// What a dead letter tells about itself. Anybody may have written it: what is missing or makes no
// sense is left empty.
struct DeadLetterInfo {
  std::string reason;
  std::string detail;
  std::optional<model::Origin> origin;  // of the record that it keeps
  std::int64_t attempts = 0;
  std::optional<base::WallTime> at;
  std::optional<std::int64_t> value_bytes;  // of the record's value, also if it didn't fit
  std::string missing;  // the part that didn't fit: "value", "headers" or "key"; empty: it is whole
};
DeadLetterInfo ReadDeadLetter(const ports::Record& letter);

// The record as it came, ready to be published to its topic again.
struct Replay {
  std::string topic;
  std::optional<std::string> key;
  std::optional<std::string> value;
  // The record's own, and llmbatch-origin, so that it is known for the same request.
  std::vector<model::Header> headers;
};
// The error says why the letter can't be replayed: its origin isn't told, or a part didn't fit.
base::Result<Replay> ReplayOf(const ports::Record& letter);

}  // namespace llmbatch::wire
