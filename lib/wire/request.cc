#include "wire/request.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "base/utf8.h"
#include "json/object_reader.h"
#include "json/value.h"
#include "json/writer.h"
#include "model/money.h"
#include "model/origin.h"
#include "wire/listing.h"
#include "wire/reference.h"

namespace llmbatch::wire {
namespace {

using json::Kind;
using json::ObjectReader;
using json::Value;

constexpr int kHighestPriority = 9;

json::Limits LimitsFor(std::size_t max_bytes) {
  return {.max_bytes = max_bytes, .max_depth = kMaxJsonDepth, .max_nodes = kMaxJsonValues};
}

MalformedReason ReasonOf(json::ParseProblem problem) {
  switch (problem) {
    case json::ParseProblem::kSyntax:
      return MalformedReason::kNotJson;
    case json::ParseProblem::kEncoding:
      return MalformedReason::kNotUtf8;
    case json::ParseProblem::kDuplicateName:
      return MalformedReason::kDuplicateKey;
    case json::ParseProblem::kTooDeep:
      return MalformedReason::kTooDeep;
    case json::ParseProblem::kTooManyBytes:
    case json::ParseProblem::kTooManyNodes:
      return MalformedReason::kTooLarge;
  }
  return MalformedReason::kNotJson;
}

Malformed MalformedText(const json::ParseFailure& failure) {
  return {.reason = ReasonOf(failure.problem),
          .detail = std::string(json::ToString(failure.problem)) + " at byte " +
                    std::to_string(failure.offset)};
}

std::optional<base::WallTime> ReadDeadline(ObjectReader& reader) {
  const auto text = reader.OptionalString("deadline");
  if (!text) return std::nullopt;
  const auto deadline = base::ParseRfc3339(*text);
  if (!deadline) reader.Fail("deadline", "must be a time as in RFC 3339");
  return deadline;
}

std::optional<model::NanoUsd> ReadMaxCost(ObjectReader& reader) {
  const auto text = reader.OptionalString("max_cost_usd");
  if (!text) return std::nullopt;
  const auto cost = model::ParseDecimal(*text);
  if (!cost) reader.Fail("max_cost_usd", "must be a decimal with up to 9 digits on either side");
  return cost;
}

int ReadPriority(ObjectReader& reader) {
  const auto priority = reader.OptionalInt("priority", {.min = 0, .max = kHighestPriority});
  return static_cast<int>(priority.value_or(model::kDefaultPriority));
}

std::string ReadMetadata(ObjectReader& reader) {
  const auto metadata = reader.Optional("metadata", Kind::kObject);
  if (!metadata) return {};
  std::string text = metadata->ToJson();
  if (text.size() > kMaxMetadataBytes) {
    reader.Fail("metadata", "larger than " + std::to_string(kMaxMetadataBytes) + " bytes");
  }
  return text;
}

model::ItemInput ReadInput(ObjectReader& reader) {
  const auto input = reader.Optional("input", Kind::kObject);
  const auto text = reader.Optional("text", Kind::kString);
  if (input && text) reader.Fail("text", "given besides input");
  if (input) return {.kind = model::ItemInput::Kind::kJson, .value = input->ToJson()};
  if (text) return {.kind = model::ItemInput::Kind::kText, .value = std::string(text->AsString())};
  // Neither: told as what is missing.
  reader.Required("input", Kind::kObject);
  return {};
}

Decoded DecodeItem(ObjectReader& reader) {
  model::Item item;
  item.id = reader.String("id", kIdLimits);
  item.task = reader.String("task", kIdLimits);
  item.input = ReadInput(reader);
  item.user_id = reader.OptionalString("user_id", kIdLimits).value_or("");
  item.job_id = reader.OptionalString("job_id", kIdLimits).value_or("");
  item.priority = ReadPriority(reader);
  item.deadline = ReadDeadline(reader);
  item.real_time = reader.OptionalBool("real_time").value_or(false);
  item.max_cost = ReadMaxCost(reader);
  item.metadata_json = ReadMetadata(reader);
  if (!reader.ok()) return MalformedBy(reader);
  return item;
}

model::Item InlineItem(const model::Job& job, ObjectReader& reader) {
  model::Item item;
  item.id = reader.String("id", kIdLimits);
  item.task = job.task;
  item.input = ReadInput(reader);
  item.user_id = job.user_id;
  item.job_id = job.job_id;
  item.priority = job.priority;
  item.deadline = job.deadline;
  item.metadata_json = ReadMetadata(reader);
  return item;
}

Decoded DecodeJobItems(model::Job job, Value items) {
  std::unordered_set<std::string_view> ids;
  job.items.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    ObjectReader reader(items.At(i), "items[" + std::to_string(i) + "]");
    job.items.push_back(InlineItem(job, reader));
    // Results are told apart by their ids. The views stay valid: there is room for every item.
    if (reader.ok() && !ids.insert(job.items.back().id).second) {
      reader.Fail("id", "the same as that of an item before");
    }
    if (!reader.ok()) return MalformedBy(reader);
  }
  return job;
}

std::optional<Value> ReadJobItems(ObjectReader& reader) {
  const auto items = reader.Required("items", Kind::kArray);
  if (items && (items->size() < 1 || items->size() > kMaxJobItems)) {
    reader.Fail("items", "must have from 1 to " + std::to_string(kMaxJobItems) + " elements");
  }
  return items;
}

// The members that only the job's workflow knows.
std::string OwnMembers(Value root) {
  constexpr std::array<std::string_view, 9> kCommon{"kind",     "job_id",       "workflow",
                                                    "task",     "user_id",      "priority",
                                                    "deadline", "max_cost_usd", "retry_of"};
  json::Writer writer;
  writer.BeginObject();
  for (std::size_t i = 0; i < root.size(); ++i) {
    const json::Member member = root.MemberAt(i);
    if (std::find(kCommon.begin(), kCommon.end(), member.name) != kCommon.end()) continue;
    writer.Key(member.name).Raw(member.value.ToJson());
  }
  return writer.EndObject().Take();
}

Decoded DecodeJob(Value root, ObjectReader& reader) {
  model::Job job;
  job.job_id = reader.String("job_id", kIdLimits);
  job.workflow = reader.String("workflow", kIdLimits);
  job.task = reader.String("task", kIdLimits);
  job.user_id = reader.String("user_id", kIdLimits);
  job.priority = ReadPriority(reader);
  job.deadline = ReadDeadline(reader);
  job.max_cost = ReadMaxCost(reader);
  job.retry_of = reader.OptionalString("retry_of", kIdLimits).value_or("");
  job.model_selection = reader.OptionalString("model_selection", kIdLimits).value_or("");
  if (!reader.ok()) return MalformedBy(reader);
  if (job.workflow != "map") {
    job.input_json = OwnMembers(root);
    return job;
  }
  if (reader.Any("items_ref")) {
    job.items_place = ReadPlace(reader, "items_ref");
    for (const std::string_view other : {"items", "item_count"}) {
      if (reader.Any(other)) reader.Fail("items_ref", "given besides " + std::string(other));
    }
    if (!reader.ok()) return MalformedBy(reader);
    return job;
  }
  if (!reader.Any("items") && reader.Any("item_count")) {
    job.item_count = reader.Int("item_count", {.min = 1, .max = kMaxJobItems});
    if (!reader.ok()) return MalformedBy(reader);
    return job;
  }
  const auto items = ReadJobItems(reader);
  if (!reader.ok()) return MalformedBy(reader);
  return DecodeJobItems(std::move(job), *items);
}

// The id that `key` can stand for: within the limits of an id, else nothing.
std::optional<std::string> IdFromKey(const std::optional<std::string>& key) {
  if (!key || key->empty() || !base::IsUtf8(*key)) return std::nullopt;
  if (base::CountCodePoints(*key) > kMaxIdCodePoints) return std::nullopt;
  const bool control = std::any_of(key->begin(), key->end(), [](char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F;
  });
  if (control) return std::nullopt;
  return key;
}

std::optional<Malformed> CheckValue(const ports::Record& record, std::size_t max_bytes) {
  if (!record.value) {
    return Malformed{.reason = MalformedReason::kTombstone, .detail = "the value is null"};
  }
  if (record.value->size() > max_bytes) {
    return Malformed{.reason = MalformedReason::kTooLarge,
                     .detail = "larger than " + std::to_string(max_bytes) + " bytes"};
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToString(MalformedReason reason) {
  switch (reason) {
    case MalformedReason::kTombstone:
      return "tombstone";
    case MalformedReason::kTooLarge:
      return "too_large";
    case MalformedReason::kTooDeep:
      return "too_deep";
    case MalformedReason::kNotUtf8:
      return "not_utf8";
    case MalformedReason::kNotJson:
      return "not_json";
    case MalformedReason::kDuplicateKey:
      return "duplicate_key";
    case MalformedReason::kUnknownKind:
      return "unknown_kind";
    case MalformedReason::kMissingField:
      return "missing_field";
    case MalformedReason::kWrongType:
      return "wrong_type";
    case MalformedReason::kInvalidValue:
      return "invalid_value";
  }
  return "not_json";
}

Malformed MalformedBy(const ObjectReader& reader) {
  auto reason = MalformedReason::kInvalidValue;
  if (reader.problem() == json::FieldProblem::kMissing) reason = MalformedReason::kMissingField;
  if (reader.problem() == json::FieldProblem::kWrongKind) reason = MalformedReason::kWrongType;
  return {.reason = reason, .detail = reader.error()->message};
}

std::variant<json::Document, Malformed> ReadDocument(const ports::Record& record,
                                                     std::size_t max_bytes) {
  if (auto malformed = CheckValue(record, max_bytes)) return *std::move(malformed);
  auto outcome = json::Document::Read(*record.value, LimitsFor(max_bytes));
  if (const auto* failure = std::get_if<json::ParseFailure>(&outcome))
    return MalformedText(*failure);
  return std::get<json::Document>(std::move(outcome));
}

Decoded DecodeRequest(const ports::Record& record, std::size_t max_bytes) {
  const auto document = ReadDocument(record, max_bytes);
  if (const auto* malformed = std::get_if<Malformed>(&document)) return *malformed;
  const Value root = std::get<json::Document>(document).root();
  ObjectReader reader(root, "");
  const std::string kind = reader.String("kind");
  if (!reader.ok()) return MalformedBy(reader);
  if (kind == "item") return DecodeItem(reader);
  if (kind == "job") return DecodeJob(root, reader);
  return Malformed{.reason = MalformedReason::kUnknownKind, .detail = "kind: must be item or job"};
}

std::variant<std::vector<model::Item>, std::string> DecodeListedItems(std::string_view text) {
  std::vector<model::Item> items;
  std::unordered_set<std::string> ids;
  auto wrong =
      ReadListing(text, kMaxJobItems,
                  [&](Value element, const std::string& path) -> std::optional<std::string> {
                    ObjectReader reader(element, path);
                    items.push_back(InlineItem(model::Job(), reader));
                    if (reader.ok() && !ids.insert(items.back().id).second)
                      reader.Fail("id", "the same as that of an item before");
                    if (reader.ok()) return std::nullopt;
                    return reader.error()->message;
                  });
  if (wrong) return *std::move(wrong);
  return items;
}

Decoded DecodeBound(const ports::Record& record, std::string_view task, std::size_t max_bytes) {
  if (auto malformed = CheckValue(record, max_bytes)) return *std::move(malformed);
  const std::string& value = *record.value;
  if (!base::IsUtf8(value)) {
    return Malformed{.reason = MalformedReason::kNotUtf8, .detail = "the value is not UTF-8"};
  }
  model::Item item;
  item.task = task;
  item.id = IdFromKey(record.key)
                .value_or(model::ToString(model::Origin{
                    .partition = record.partition, .offset = record.offset, .index = {}}));
  const auto outcome = json::Document::Read(value, LimitsFor(max_bytes));
  if (const auto* document = std::get_if<json::Document>(&outcome)) {
    item.input = {.kind = model::ItemInput::Kind::kJson, .value = document->root().ToJson()};
  } else {
    item.input = {.kind = model::ItemInput::Kind::kText, .value = value};
  }
  return item;
}

}  // namespace llmbatch::wire
