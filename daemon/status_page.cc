#include "status_page.h"

#include "json/writer.h"

namespace llmbatch::daemon {
namespace {

void WriteAssigned(json::Writer& writer, const std::vector<pipeline::PartitionStatus>& assigned) {
  writer.Key("assigned").BeginArray();
  for (const pipeline::PartitionStatus& each : assigned) {
    writer.BeginObject()
        .Key("topic")
        .String(each.partition.topic)
        .Key("partition")
        .Int(each.partition.partition);
    writer.Key("committed")
        .Int(each.committed)
        .Key("open")
        .Int(each.open)
        .Key("paused")
        .Bool(each.paused)
        .EndObject();
  }
  writer.EndArray();
}

void WriteProviders(json::Writer& writer, const std::vector<pipeline::RouteStatus>& routes) {
  writer.Key("providers").BeginArray();
  for (const pipeline::RouteStatus& each : routes) {
    writer.BeginObject()
        .Key("provider")
        .String(each.route.provider)
        .Key("model")
        .String(each.route.model);
    writer.Key("waiting")
        .Int(each.waiting)
        .Key("held_seconds")
        .Double(base::ToSeconds(each.held_for))
        .EndObject();
  }
  writer.EndArray();
}

std::string ToJson(const StatusFacts& facts, const pipeline::Status& status) {
  json::Writer writer;
  writer.BeginObject().Key("version").String(facts.version).Key("instance").String(facts.instance);
  writer.Key("librdkafka").String(facts.librdkafka);
  writer.Key("stopping").Bool(status.stopping);
  WriteAssigned(writer, status.assigned);
  writer.Key("calls").BeginObject();
  for (const auto& [state, count] : status.calls) writer.Key(state).Int(count);
  writer.EndObject();
  writer.Key("waiting_for").BeginObject();
  for (const auto& [reason, count] : status.waiting_for) writer.Key(reason).Int(count);
  writer.EndObject();
  writer.Key("requests")
      .Int(status.requests)
      .Key("jobs")
      .BeginObject()
      .Key("processing")
      .Int(status.jobs)
      .EndObject();
  writer.Key("pending_bytes").Int(status.pending_bytes);
  writer.Key("limits").BeginArray();
  for (const auto& pool : status.pools) {
    writer.BeginObject().Key("pool").String(pool.name);
    writer.Key("limit").Int(pool.limit).Key("used").Int(pool.used);
    writer.Key("held").Int(pool.held).Key("waiting").Int(pool.waiting);
    if (pool.change) writer.Key("changed_by").String(ports::ToString(*pool.change));
    writer.EndObject();
  }
  writer.EndArray();
  WriteProviders(writer, status.routes);
  writer.Key("degraded").BeginArray();
  for (const std::string& reason : status.degraded) writer.String(reason);
  return writer.EndArray().EndObject().Take();
}

}  // namespace

void StatusPage::Update(const pipeline::Status& status) {
  std::string json = ToJson(facts_, status);
  const std::lock_guard lock(mutex_);
  json_ = std::move(json);
  ready_ = !status.stopping;
}

std::string StatusPage::Json() const {
  const std::lock_guard lock(mutex_);
  return json_;
}

bool StatusPage::ready() const {
  const std::lock_guard lock(mutex_);
  return ready_;
}

}  // namespace llmbatch::daemon
