#include "scenarios/describe.h"

#include <algorithm>
#include <cmath>

#include "json/value.h"
#include "json/writer.h"
#include "offsets/done_map.h"
#include "wire/outcome.h"

namespace llmbatch::scenarios {
namespace {

std::string Text(json::Value object, std::string_view name) {
  const auto member = object.Find(name);
  if (!member) return "-";
  return member->is(json::Kind::kString) ? std::string(member->AsString()) : member->ToJson();
}

std::string Error(json::Value object) {
  const auto error = object.Find("error");
  if (!error) return {};
  if (!error->Find("attempts")) return " " + Text(*error, "code");
  return " " + Text(*error, "code") + " (attempts " + Text(*error, "attempts") + ")";
}

std::string InDoubt(json::Value object) {
  const auto sum = object.Find("cost_in_doubt_usd");
  return sum && sum->is(json::Kind::kString) ? ", in doubt $" + std::string(sum->AsString()) : "";
}

// "a ok {…}", "b error unknown_task (attempts 0)".
std::string ItemResult(json::Value result) {
  const char* const name = result.Find("id") ? "id" : result.Find("unit") ? "unit" : "prompt";
  std::string line = Text(result, name) + " " + Text(result, "status");
  if (result.Find("output")) line += " " + Text(result, "output");
  if (result.Find("value")) line += " " + Text(result, "value");
  const std::string source = result.Find("source") ? Text(result, "source") : "";
  const bool told = source == "cached" || source == "coalesced";
  if (result.Find("source") && (result.Find("value") || told)) line += " " + source;
  line += Error(result);
  const auto cost = result.Find("cost_usd");
  const bool told_cost = cost && cost->is(json::Kind::kString);
  if (told_cost && cost->AsString() != "0.000000000") line += " $" + Text(result, "cost_usd");
  return line + InDoubt(result);
}

std::string Progress(json::Value progress) {
  const json::Value items = *progress.Find("items");
  std::string line = "progress " + Text(progress, "job_id") + " #" + Text(progress, "sequence") +
                     " " + Text(progress, "status") + " " + Text(progress, "percent") + "%, " +
                     Text(items, "done") + " done and " + Text(items, "failed") + " failed of " +
                     Text(items, "total");
  if (progress.Find("reset")) line += ", reset";
  if (progress.Find("waiting_for")) line += ", waiting for " + Text(progress, "waiting_for");
  return line;
}

std::string JobResult(json::Value job) {
  std::string line = "job_result " + Text(job, "job_id") + " " + Text(job, "status") + Error(job);
  const json::Value results = *job.Find("results");
  for (std::size_t i = 0; i < results.size(); ++i) {
    line += (i == 0 ? ": " : ", ") + ItemResult(results.At(i));
  }
  return line + "; calls " + Text(*job.Find("summary"), "calls") + InDoubt(*job.Find("summary"));
}

std::string DeadLetter(const ports::Message& record) {
  std::string line;
  for (const model::Header& header : record.headers) {
    if (header.name == "dlq-reason") line += header.value;
    if (header.name == "dlq-detail") line += ", " + header.value;
  }
  return line + ", value " + (record.value ? json::Quote(*record.value) : "null");
}

std::string Message(const ports::Message& record) {
  const auto document = json::Document::Parse(record.value.value_or(""));
  const bool dead_letter =
      std::any_of(record.headers.begin(), record.headers.end(),
                  [](const model::Header& header) { return header.name == "dlq-reason"; });
  if (dead_letter) return DeadLetter(record);
  const std::string kind = document ? Text(document->root(), "kind") : "-";
  if (kind == "item_result") return "item_result " + ItemResult(document->root());
  if (kind == "progress") return Progress(document->root());
  if (kind == "command_error")
    return "command_error " + Text(document->root(), "command") + " " +
           Text(document->root(), "job_id") + Error(document->root());
  if (kind == "job")
    return "job " + Text(document->root(), "job_id") + ", retry of " +
           Text(document->root(), "retry_of");
  if (kind == "job_result") return JobResult(document->root());
  if (kind == "job_result_part") {
    return "job_result_part " + Text(document->root(), "job_id") + " " +
           Text(document->root(), "part") + " of " + Text(document->root(), "parts");
  }
  return DeadLetter(record);
}

// ", done 2-3 5": the done map.
std::string Done(const ports::PartitionOffset& commit) {
  const auto done = offsets::DecodeDoneMap(commit.offset, commit.metadata);
  if (!done) return ", metadata that is no done map";
  std::string text = done->empty() ? "" : ", done";
  for (const offsets::OffsetRange& range : *done) {
    text += " " + std::to_string(range.begin);
    if (range.end > range.begin + 1) text += "-" + std::to_string(range.end - 1);
  }
  return text;
}

struct Describer {
  std::string operator()(const ports::CommitOffsets& commit) const {
    std::string line = "commit";
    for (const ports::PartitionOffset& each : commit.offsets) {
      line += " " + ToString(each.partition) + " at " + std::to_string(each.offset) + Done(each);
    }
    return line;
  }
  std::string operator()(const ports::PausePartitions& pause) const {
    return "pause" + ToString(pause.partitions);
  }
  std::string operator()(const ports::ResumePartitions& resume) const {
    return "resume" + ToString(resume.partitions);
  }
  std::string operator()(const ports::RevokeDone&) const { return "let go"; }
  std::string operator()(const ports::StopConsuming&) const { return "leave the group"; }
  std::string operator()(const ports::PublishRecord& record) const {
    return "publish to " + record.message->topic + ": " + Message(*record.message);
  }
  std::string operator()(const ports::RunTransaction& transaction) const {
    std::string line = "transaction";
    for (const ports::PartitionOffset& each : transaction.offsets) {
      line += " " + ToString(each.partition) + " at " + std::to_string(each.offset) + Done(each);
    }
    for (const ports::PublishRecord& each : transaction.records) line += "\n  " + (*this)(each);
    return line;
  }
  std::string operator()(const ports::LookUpOutcomes& lookup) const {
    return "look up " + std::to_string(lookup.keys.size());
  }
  std::string operator()(const ports::StoreOutcomes& store) const {
    std::string line = "store";
    for (const ports::StoredOutcome& each : store.outcomes) {
      const auto outcome = wire::DecodeOutcome(each.value);
      line += outcome ? " " + std::string(model::ToString(outcome->status)) : " ?";
    }
    return line;
  }
  std::string operator()(const ports::AbortCall& abort) const {
    return "abort call " + std::to_string(abort.call.value);
  }
  std::string operator()(const ports::LogLine& log) const {
    std::string line = "log: " + log.message;
    for (const auto& field : log.fields) line += ", " + field.name + "=" + field.value;
    return line;
  }
  std::string operator()(const ports::ReleaseClaims& release) const {
    return "release " + std::to_string(release.keys.size());
  }
  std::string operator()(const ports::StartCall&) const { return {}; }
  std::string operator()(const ports::MarkSent&) const { return {}; }
  std::string operator()(const ports::TakeJobRecord&) const { return {}; }
  std::string operator()(const ports::SaveJobRecord&) const { return {}; }
  std::string operator()(const ports::AskJobMember&) const { return {}; }
  std::string operator()(const ports::CommandJobRecord&) const { return {}; }
  std::string operator()(const ports::FetchDocument& fetch) const {
    return "fetch " + fetch.place.name + " of " + fetch.user_id;
  }
  std::string operator()(const ports::SyncPermits&) const { return {}; }
  std::string operator()(const ports::ShareRatios&) const { return {}; }
  std::string operator()(const ports::HoldRoute& command) const {
    const ports::RouteHold& hold = command.hold;
    if (ports::IsOver(hold)) return "provider " + hold.provider + " answers, for all";
    if (ports::IsBreaker(hold)) return "provider " + hold.provider + " is held, for all";
    return "hold " + hold.provider + "/" + hold.model + " for all";
  }
  std::string operator()(const ports::ReserveCalls& reserve) const {
    // Corrections of what was booked aren't shown.
    return reserve.calls.empty() ? "" : "book calls: " + std::to_string(reserve.calls.size());
  }
  // Of the metrics only what costs money twice.
  std::string operator()(const ports::Observe& observe) const {
    if (observe.metric != ports::Metric::kCallsRepeated || observe.value == 0) return {};
    return "calls repeated: " + std::to_string(std::lround(observe.value)) + ", " +
           observe.labels[0];
  }
};

}  // namespace

std::string ToString(const model::TopicPartition& partition) {
  return partition.topic + "/" + std::to_string(partition.partition);
}

std::string ToString(const std::vector<model::TopicPartition>& partitions) {
  std::string text;
  for (const model::TopicPartition& each : partitions) text += " " + ToString(each);
  return text;
}

std::string Describe(const ports::Command& command) { return std::visit(Describer{}, command); }

}  // namespace llmbatch::scenarios
