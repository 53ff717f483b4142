#include "jobs/batch_list.h"

#include <cstdint>
#include <utility>

#include "json/writer.h"

namespace llmbatch::jobs {
namespace {

bool IsOpen(BatchStatus status) {
  return status == BatchStatus::kPending || status == BatchStatus::kInProgress;
}

}  // namespace

std::string_view ToString(BatchStatus status) {
  switch (status) {
    case BatchStatus::kPending:
      return "pending";
    case BatchStatus::kInProgress:
      return "in_progress";
    case BatchStatus::kCompleted:
      return "completed";
    case BatchStatus::kFailed:
      return "failed";
  }
  return "failed";
}

void BatchList::Apply(model::RequestId job, const BatchNews& news, base::WallTime now) {
  auto found = batches_.find(news.batch_id);
  if (found == batches_.end()) {
    Batch batch;
    for (const BatchNews::Member& member : news.members) {
      if (member.job == job) batch.items.push_back(member.item_id);
    }
    if (batch.items.empty()) return;
    batch.created = now;
    found = batches_.emplace(news.batch_id, std::move(batch)).first;
  }
  Batch& batch = found->second;
  batch.status = news.status;
  if (!news.model.empty()) batch.model = news.model;
  if (news.usage) batch.usage = news.usage;
  if (!IsOpen(news.status)) batch.completed = now;
  batch.changed = true;
}

void BatchList::Apply(const std::string& item_id, const model::ItemOutcome& outcome) {
  const auto found = batches_.find(outcome.batch_id);
  if (found == batches_.end()) return;
  Batch& batch = found->second;
  json::Writer writer;
  writer.BeginObject().Key("id").String(item_id);
  writer.Key("status").String(model::ToString(outcome.status));
  const std::size_t bytes = outcome.output_json.size();
  if (bytes > 0 && batch.output_bytes + bytes <= kMaxBatchOutputBytes) {
    writer.Key("output").Raw(outcome.output_json);
    batch.output_bytes += bytes;
  } else if (bytes > 0) {
    writer.Key("output_bytes").Int(static_cast<std::int64_t>(bytes));
  }
  if (outcome.error) {
    writer.Key("error").BeginObject();
    writer.Key("code").String(model::ToString(outcome.error->code)).EndObject();
  }
  batch.results.push_back(writer.EndObject().Take());
  batch.changed = true;
}

void BatchList::CloseOpen(base::WallTime now) {
  for (auto& [id, batch] : batches_) {
    if (!IsOpen(batch.status)) continue;
    batch.status = BatchStatus::kFailed;
    batch.completed = now;
    batch.changed = true;
  }
}

std::vector<BatchList::Entry> BatchList::TakeChanged() {
  std::vector<Entry> changed;
  for (auto& [id, batch] : batches_) {
    if (std::exchange(batch.changed, false)) changed.push_back({id, Encode(id, batch)});
  }
  return changed;
}

void BatchList::TellAll() {
  for (auto& [id, batch] : batches_) batch.changed = true;
}

std::string BatchList::Encode(const std::string& id, const Batch& batch) {
  json::Writer writer;
  writer.BeginObject().Key("id").String(id);
  writer.Key("status").String(ToString(batch.status));
  writer.Key("items").BeginArray();
  for (const std::string& item : batch.items) writer.String(item);
  writer.EndArray();
  if (!batch.model.empty()) writer.Key("model").String(batch.model);
  writer.Key("created_at").String(base::FormatRfc3339(batch.created));
  if (batch.completed) writer.Key("completed_at").String(base::FormatRfc3339(*batch.completed));
  if (batch.usage) {
    writer.Key("usage").BeginObject();
    writer.Key("input_tokens").Int(batch.usage->input_tokens);
    writer.Key("cached_input_tokens").Int(batch.usage->cached_input_tokens);
    writer.Key("output_tokens").Int(batch.usage->output_tokens);
    writer.Key("reasoning_tokens").Int(batch.usage->reasoning_tokens).EndObject();
  }
  if (!batch.results.empty()) {
    writer.Key("results").BeginArray();
    for (const std::string& result : batch.results) writer.Raw(result);
    writer.EndArray();
  }
  return writer.EndObject().Take();
}

}  // namespace llmbatch::jobs
