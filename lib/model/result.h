// ItemResult: what is published for one item.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/error_code.h"
#include "model/money.h"
#include "model/origin.h"
#include "model/usage.h"

namespace llmbatch::model {

enum class ResultStatus { kOk, kFallback, kError };
enum class ResultSource { kGenerated, kCached, kCoalesced, kExtracted };

std::string_view ToString(ResultStatus status);
std::string_view ToString(ResultSource source);
std::optional<ResultStatus> ParseResultStatus(std::string_view text);
std::optional<ResultSource> ParseResultSource(std::string_view text);

struct ItemError {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // for people; never has input or answer in it
  bool retryable = false;
  int attempts = 0;

  friend bool operator==(const ItemError&, const ItemError&) = default;
};

// How one item ended. The same whether it was just answered or is read back from the ledger.
struct ItemOutcome {
  ResultStatus status = ResultStatus::kError;
  std::string output_json;         // empty unless kOk or kFallback
  std::optional<ItemError> error;  // set with kError and kFallback
  ResultSource source = ResultSource::kGenerated;
  std::string model;            // "provider/model"; empty if none was asked
  std::string batch_id;         // empty if none was made
  Usage usage;                  // this item's share
  std::optional<NanoUsd> cost;  // nullopt: a model has no price, or told no usage
  // The most that its share of attempts may have cost which ended without a report of their usage;
  // none of it is in `cost`. nullopt: the model has no price.
  std::optional<NanoUsd> cost_in_doubt = NanoUsd{};
  base::Duration duration{};      // of the call that answered
  std::string repair;             // how the answer had to be read; empty: as it was
  std::int64_t repair_edits = 0;  // changes to the answer as a whole that it took

  friend bool operator==(const ItemOutcome&, const ItemOutcome&) = default;
};

// What an item or job ends with that no call was made for. Whether a retry helps follows from the
// code.
ItemError ErrorOf(ErrorCode code, std::string message);
// How an item ends that no call was made for: with this error, and for nothing.
ItemOutcome NeverAsked(ErrorCode code, std::string message);

struct ItemResult {
  std::string id;
  std::string task;
  std::string job_id;  // empty: none
  ItemOutcome outcome;
  base::Duration queued{};  // from arrival to the start of the call that answered
  Origin origin;
  std::string metadata_json;  // empty: none

  friend bool operator==(const ItemResult&, const ItemResult&) = default;
};

}  // namespace llmbatch::model
