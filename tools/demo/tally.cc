#include "tally.h"

#include <algorithm>

#include "json/object_reader.h"
#include "json/value.h"

namespace llmbatch::demo {
namespace {

std::string HeaderOf(const ports::Record& record, std::string_view name) {
  for (const model::Header& header : record.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

}  // namespace

void Tally::Read(const ports::Record& record) {
  if (!record.value) return;
  const auto document = json::Document::Parse(*record.value);
  if (!document) return;
  json::ObjectReader reader(document->root(), "");
  const std::string kind = reader.String("kind");
  if (kind == "progress") ReadProgress(*record.value);
  if (kind == "item_result" && seen_.insert(HeaderOf(record, "llmbatch-id")).second)
    ReadItem(*record.value);
}

void Tally::ReadItem(std::string_view text) {
  const auto document = json::Document::Parse(text);
  json::ObjectReader reader(document->root(), "");
  ++by_status_[reader.String("status")];
  batches_.insert(reader.OptionalString("batch_id").value_or(""));
  cost_ += model::ParseDecimal(reader.OptionalString("cost_usd").value_or("0"))
               .value_or(model::NanoUsd{});
  if (const auto usage = reader.Optional("usage", json::Kind::kObject)) {
    json::ObjectReader tokens(*usage, "usage");
    input_tokens_ += tokens.Int("input_tokens");
    output_tokens_ += tokens.Int("output_tokens");
  }
  if (const auto output = reader.Optional("output", json::Kind::kObject)) {
    json::ObjectReader answer(*output, "output");
    ++by_topic_[answer.OptionalString("topic").value_or("?")];
  }
}

void Tally::ReadProgress(std::string_view text) {
  const auto document = json::Document::Parse(text);
  json::ObjectReader reader(document->root(), "");
  JobProgress& job = jobs_[reader.String("job_id")];
  job.percent = std::max(job.percent, static_cast<int>(reader.Int("percent")));
  const std::string status = reader.String("status");
  job.ended = job.ended || status == "completed" || status == "failed";
  if (const auto items = reader.Optional("items", json::Kind::kObject)) {
    json::ObjectReader counts(*items, "items");
    job.done = counts.Int("done");
    job.total = counts.Int("total");
  }
}

std::int64_t Tally::jobs_ended() const {
  return std::count_if(jobs_.begin(), jobs_.end(),
                       [](const auto& each) { return each.second.ended; });
}

}  // namespace llmbatch::demo
