#include "pipeline/outbox.h"

namespace llmbatch::pipeline {

const ports::Message* Outbox::Publish(RecordId record, ports::Message message,
                                      ports::Commands& out) {
  auto shared = std::make_shared<const ports::Message>(std::move(message));
  const ports::Message* address = shared.get();
  Send(Pending{.record = record, .message = std::move(shared), .attempts = 1}, out);
  return address;
}

void Outbox::Send(Pending pending, ports::Commands& out) {
  const model::PublishId id = ids_.Next();
  out.emplace_back(ports::PublishRecord{.publish = id, .message = pending.message});
  under_way_.emplace(id, std::move(pending));
}

std::optional<Outbox::Report> Outbox::OnPublished(const ports::RecordPublished& event,
                                                  base::Timestamp now, base::Rng& rng) {
  auto node = under_way_.extract(event.publish);
  if (node.empty()) return std::nullopt;
  Pending& pending = node.mapped();
  Report report{.fate = Fate::kAcknowledged, .record = pending.record, .message = pending.message};
  if (event.outcome) return report;
  const base::Error& error = event.outcome.error();
  // A missing topic or right can be mended by an operator while we wait; a size can't.
  if (error.kind == base::ErrorKind::kTooLarge) {
    report.fate = Fate::kTooLarge;
    return report;
  }
  report.fate = Fate::kRetrying;
  const base::Timestamp at = now + admission::NextDelay(backoff_, pending.attempts, rng);
  ++pending.attempts;
  waiting_.emplace(at, std::move(pending));
  return report;
}

void Outbox::Retry(base::Timestamp now, ports::Commands& out) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    Send(std::move(waiting_.extract(waiting_.begin()).mapped()), out);
  }
}

std::optional<base::Timestamp> Outbox::Deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

void Outbox::DropForeign(const Partitions& partitions) {
  std::erase_if(waiting_, [&](const auto& each) { return !partitions.Owns(each.second.record); });
}

}  // namespace llmbatch::pipeline
