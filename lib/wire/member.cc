#include "wire/member.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "json/object_reader.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/outcome.h"

namespace llmbatch::wire {
namespace {

using json::ObjectReader;

constexpr std::int64_t kVersion = 1;
// An outcome's, one level below.
constexpr json::Limits kLimits{.max_bytes = 33U << 20, .max_depth = 66, .max_nodes = 1'100'000};
constexpr json::IntLimits kNotNegative{.min = 0, .max = std::numeric_limits<std::int64_t>::max()};
constexpr json::IntLimits kPartition{.min = 0, .max = std::numeric_limits<std::int32_t>::max()};

}  // namespace

std::string EncodeMember(const Member& member) {
  const model::ItemResult& result = member.result;
  json::Writer writer;
  writer.BeginObject();
  writer.Key("v").Int(kVersion);
  writer.Key("identity").String(member.identity);
  writer.Key("id").String(result.id);
  writer.Key("topic").String(result.origin.partition.topic);
  writer.Key("partition").Int(result.origin.partition.partition);
  writer.Key("offset").Int(result.origin.offset);
  writer.Key("queued_ns").Int(result.queued.count());
  if (!result.metadata_json.empty()) writer.Key("metadata").Raw(result.metadata_json);
  writer.Key("outcome").Raw(EncodeOutcome(result.outcome));
  return writer.EndObject().Take();
}

base::Result<Member> DecodeMember(std::string_view text) {
  const auto document = json::Document::Parse(text, kLimits);
  if (!document) return document.error();
  ObjectReader reader(document->root(), "");
  if (reader.Int("v") != kVersion) reader.Fail("v", "a version that isn't known");
  Member member;
  member.identity = reader.String("identity");
  member.result.id = reader.String("id");
  model::Origin& origin = member.result.origin;
  origin.partition.topic = reader.String("topic");
  origin.partition.partition = static_cast<std::int32_t>(reader.Int("partition", kPartition));
  origin.offset = reader.Int("offset", kNotNegative);
  member.result.queued = base::Duration(reader.Int("queued_ns", kNotNegative));
  const auto metadata = reader.Optional("metadata", json::Kind::kObject);
  if (metadata) member.result.metadata_json = metadata->ToJson();
  const auto outcome_value = reader.Required("outcome", json::Kind::kObject);
  if (!reader.ok()) return *reader.error();
  auto outcome = DecodeOutcome(outcome_value->ToJson());
  if (!outcome) return outcome.error();
  member.result.outcome = *std::move(outcome);
  return member;
}

}  // namespace llmbatch::wire
