// Everything that can go wrong on purpose, by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"

namespace llmbatch::twin {

enum class FaultKind : std::uint8_t {
  kNone,
  // Instead of an answer: an error status.
  kStatus,
  kInsufficientQuota,
  kContextLengthExceeded,
  kSlowDown,
  // Instead of an answer: something on the wire.
  kTimeout,
  kStall,
  kReset,
  kCloseMidBody,
  kHalfClose,
  // An answer that is wrong.
  kTruncated,
  kGarbled,
  kFenced,
  kProse,
  kMissing,
  kSwapped,
  kDuplicated,
  kReordered,
  kMerged,
  kForeign,
  kEmpty,
  kRefusal,
  kContentFilter,
  kNoUsage,
  kErrorIn200,
  // A stream that breaks half-way, with a proper end of the response.
  kStreamCut,
  kStreamError,
  kStreamGarbage,
  // Over a limit; these are never asked for, they happen.
  kRequestLimit,
  kTokenLimit,
  kConcurrencyLimit,
  kBadRequest,
};

struct Fault {
  FaultKind kind = FaultKind::kNone;
  int status = 0;  // of kStatus only, 400–599

  friend bool operator==(const Fault&, const Fault&) = default;
};

// Whether the fault is a wrong answer with status 200, not an error and not a broken connection.
bool IsAnswerFault(FaultKind kind);
// Whether nothing, or not the whole of an HTTP answer, is sent.
bool IsWireFault(FaultKind kind);

// Whether the fault is one of a stream; an answer that isn't streamed is whole all the same.
bool IsStreamFault(FaultKind kind);

std::string FaultName(const Fault& fault);
// A name from the list in README.md, or a status of 400–599.
base::Result<Fault> ParseFault(std::string_view name);

// Faults with their probabilities: "429=0.1,reset=0.01".
class FaultRates {
 public:
  static base::Result<FaultRates> Parse(std::string_view text);

  // At most one fault; the rates add up. kMissing is no part of it, being drawn for each item on
  // its own.
  Fault Draw(base::Rng& rng) const;
  double missing_rate() const { return missing_rate_; }
  bool ContainsOnlyAnswerFaults() const;
  bool ContainsNoAnswerFaults() const;

 private:
  struct Rate {
    Fault fault;
    double probability = 0;
  };
  std::vector<Rate> rates_;
  double missing_rate_ = 0;
};

}  // namespace llmbatch::twin
