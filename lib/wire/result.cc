#include "wire/result.h"

#include <cmath>
#include <string_view>
#include <utility>

#include "json/object_reader.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/parts.h"

namespace llmbatch::wire {
namespace {

// Of an item result without output and metadata.
constexpr std::size_t kUsualBytes = 640;

void WriteUnlessEmpty(json::Writer& writer, std::string_view name, std::string_view text) {
  if (!text.empty()) writer.Key(name).String(text);
}

void WriteRawUnlessEmpty(json::Writer& writer, std::string_view name, std::string_view json) {
  if (!json.empty()) writer.Key(name).Raw(json);
}

void WriteOrigin(json::Writer& writer, const model::Origin& origin) {
  writer.Key("origin").BeginObject();
  writer.Key("topic").String(origin.partition.topic);
  writer.Key("partition").Int(origin.partition.partition);
  writer.Key("offset").Int(origin.offset);
  if (origin.index) writer.Key("index").Int(*origin.index);
  writer.EndObject();
}

// The members behind those that an item of a job shares with the others.
void WriteOutcome(json::Writer& writer, const model::ItemResult& result) {
  const model::ItemOutcome& outcome = result.outcome;
  writer.Key("status").String(model::ToString(outcome.status));
  WriteRawUnlessEmpty(writer, "output", outcome.output_json);
  WriteError(writer, outcome.error);
  writer.Key("source").String(model::ToString(outcome.source));
  WriteUnlessEmpty(writer, "model", outcome.model);
  WriteUnlessEmpty(writer, "batch_id", outcome.batch_id);
  WriteRepair(writer, outcome);
  WriteUsage(writer, outcome.usage);
  WriteCost(writer, outcome.cost, outcome.cost_in_doubt);
  writer.Key("queued_ms").Int(base::ToMillis(result.queued));
  writer.Key("duration_ms").Int(base::ToMillis(outcome.duration));
  WriteOrigin(writer, result.origin);
  WriteRawUnlessEmpty(writer, "metadata", result.metadata_json);
}

void WriteCounts(json::Writer& writer, const model::ItemCounts& counts) {
  writer.Key("items").BeginObject();
  writer.Key("total").Int(counts.total);
  writer.Key("done").Int(counts.done);
  writer.Key("failed").Int(counts.failed);
  writer.Key("cached").Int(counts.cached);
  writer.EndObject();
}

double RoundedToThousandths(double number) { return std::round(number * 1000) / 1000; }

void WriteSummary(json::Writer& writer, const model::JobResult& result) {
  writer.Key("summary").BeginObject();
  WriteCounts(writer, result.items);
  writer.Key("total_tokens").Int(result.usage.input_tokens + result.usage.output_tokens);
  WriteUsage(writer, result.usage);
  WriteCost(writer, result.cost, result.cost_in_doubt);
  writer.Key("calls").Int(result.calls);
  writer.Key("total_time_ms").Int(base::ToMillis(result.total_time));
  writer.Key("efficiency").Double(RoundedToThousandths(result.efficiency));
  for (const model::SummaryMember& member : result.summary) {
    writer.Key(member.name).Raw(member.json);
  }
  writer.EndObject();
}

}  // namespace

std::string EncodeItemResult(const model::ItemResult& result) {
  std::string buffer;
  buffer.reserve(kUsualBytes + result.outcome.output_json.size() + result.metadata_json.size());
  json::Writer writer(std::move(buffer));
  writer.BeginObject();
  writer.Key("kind").String("item_result");
  writer.Key("id").String(result.id);
  writer.Key("task").String(result.task);
  WriteUnlessEmpty(writer, "job_id", result.job_id);
  WriteOutcome(writer, result);
  writer.EndObject();
  return writer.Take();
}

std::string EncodeMemberResult(const model::ItemResult& result) {
  std::string buffer;
  buffer.reserve(kUsualBytes + result.outcome.output_json.size() + result.metadata_json.size());
  json::Writer writer(std::move(buffer));
  writer.BeginObject().Key("id").String(result.id);
  WriteOutcome(writer, result);
  return writer.EndObject().Take();
}

std::string EncodeJobResult(const model::JobResult& result) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("kind").String("job_result");
  writer.Key("job_id").String(result.job_id);
  writer.Key("workflow").String(result.workflow);
  writer.Key("task").String(result.task);
  writer.Key("user_id").String(result.user_id);
  writer.Key("status").String(model::ToString(result.status));
  writer.Key("partial").Bool(result.partial);
  writer.Key("results").BeginArray();
  for (const std::string& each : result.results) writer.Raw(each);
  writer.EndArray();
  WriteSummary(writer, result);
  WriteError(writer, result.error);
  WriteUnlessEmpty(writer, "retry_of", result.retry_of);
  writer.EndObject();
  return writer.Take();
}

std::string EncodeProgress(const model::Progress& progress) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("kind").String("progress");
  writer.Key("job_id").String(progress.job_id);
  writer.Key("user_id").String(progress.user_id);
  writer.Key("workflow").String(progress.workflow);
  writer.Key("status").String(model::ToString(progress.status));
  writer.Key("sequence").Int(progress.sequence);
  writer.Key("step").String(progress.step);
  writer.Key("percent").Int(progress.percent);
  writer.Key("message").String(progress.message);
  WriteCounts(writer, progress.items);
  WriteUsage(writer, progress.usage);
  WriteCost(writer, progress.cost, progress.cost_in_doubt);
  if (progress.eta_seconds) writer.Key("eta_seconds").Int(*progress.eta_seconds);
  WriteUnlessEmpty(writer, "waiting_for", progress.waiting_for);
  for (const model::SummaryMember& fact : progress.facts) writer.Key(fact.name).Raw(fact.json);
  if (progress.reset) writer.Key("reset").Bool(true);
  writer.Key("at").String(base::FormatRfc3339(progress.at));
  writer.EndObject();
  return writer.Take();
}

std::int64_t ItemsTold(std::string_view progress) {
  const auto document = json::Document::Parse(progress);
  if (!document) return 0;
  json::ObjectReader reader(document->root(), "");
  const auto items = reader.Optional("items", json::Kind::kObject);
  return items ? json::ObjectReader(*items, "").OptionalInt("total").value_or(0) : 0;
}

}  // namespace llmbatch::wire
