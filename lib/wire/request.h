// A record's value, read as a request.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json/object_reader.h"
#include "json/value.h"
#include "model/item.h"
#include "model/job.h"
#include "ports/record.h"

namespace llmbatch::wire {

inline constexpr std::size_t kMaxIdCodePoints = 200;
inline constexpr json::StringLimits kIdLimits{
    .min_code_points = 1, .max_code_points = kMaxIdCodePoints, .allow_control_characters = false};
inline constexpr std::size_t kMaxJobItems = 10'000;
inline constexpr std::size_t kMaxMetadataBytes = 16U << 10;  // as compact JSON
inline constexpr std::size_t kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxJsonValues = 500'000;  // in one message

// Why a record is no request; the reason of its dead letter.
enum class MalformedReason {
  kTombstone,  // the value is null
  kTooLarge,
  kTooDeep,
  kNotUtf8,
  kNotJson,
  kDuplicateKey,
  kUnknownKind,
  kMissingField,
  kWrongType,
  kInvalidValue,
};
std::string_view ToString(MalformedReason reason);

struct Malformed {
  MalformedReason reason = MalformedReason::kNotJson;
  // For an operator: begins with the field's path where it is about a field ("items[3].id:
  // missing"). Never has content of the record in it.
  std::string detail;

  friend bool operator==(const Malformed&, const Malformed&) = default;
};

// REQUIRES: !reader.ok()
Malformed MalformedBy(const json::ObjectReader& reader);

using Decoded = std::variant<model::Item, model::Job, Malformed>;

// The record's value as JSON within our limits.
std::variant<json::Document, Malformed> ReadDocument(const ports::Record& record,
                                                     std::size_t max_bytes);

// Reads a record of a topic that carries our messages. Fields that aren't known are ignored. Of a
// job, only what all jobs have in common and the items of workflow `map` are looked at: whether
// there is such a workflow, and what it makes of the rest, others say.
Decoded DecodeRequest(const ports::Record& record, std::size_t max_bytes);

// Reads the text at a job's items_place: what would stand in its message as `items`. Nothing is
// filled in from the job. The error is what is wrong, with the line or index.
std::variant<std::vector<model::Item>, std::string> DecodeListedItems(std::string_view text);

// Reads a record of an existing topic that is bound to `task`: the value itself is the input, JSON
// if it is JSON within the limits, else text. The item's id is the key if that can be an id, else
// the record's origin; so ids may repeat. Never gives a Job.
Decoded DecodeBound(const ports::Record& record, std::string_view task, std::size_t max_bytes);

}  // namespace llmbatch::wire
