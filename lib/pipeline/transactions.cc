#include "pipeline/transactions.h"

#include <algorithm>
#include <utility>

namespace llmbatch::pipeline {
namespace {

// Of one transaction, which takes a tenth of a second whatever its size. One message always fits.
constexpr std::size_t kMaxMessages = 5'000;
constexpr std::size_t kMaxBytes = 16U << 20;

std::size_t SizeOf(const ports::Message& message) {
  std::size_t bytes = message.value ? message.value->size() : 0;
  for (const model::Header& header : message.headers) {
    bytes += header.name.size() + header.value.size();
  }
  return bytes;
}

}  // namespace

const ports::Message* Transactions::Add(const Partitions& partitions, RecordId record,
                                        ports::Message message, Company company) {
  auto tenure = partitions.TenureOf(record);
  auto origin = partitions.OriginOf(record);
  if (!tenure || !origin) return nullptr;
  Pending pending{.publish = ids_.Next(),
                  .record = record,
                  .tenure = *std::move(tenure),
                  .origin = *std::move(origin),
                  .message = std::make_shared<const ports::Message>(std::move(message)),
                  .joined = false};
  const ports::Message* address = pending.message.get();
  Group& group = groups_[record];
  ++group.messages;
  if (company == Company::kNone) {
    messages_.push_back(std::move(pending));
  } else {
    group.held.push_back(std::move(pending));
  }
  if (group.messages < partitions.Expected(record)) return address;
  for (Pending& each : group.held) messages_.push_back(std::move(each));
  group.held.clear();
  return address;
}

std::int64_t Transactions::DropHeld(RecordId record) {
  const auto found = groups_.find(record);
  if (found == groups_.end()) return 0;
  Group& group = found->second;
  const auto dropped = static_cast<std::int64_t>(group.held.size());
  group.held.clear();
  group.messages -= dropped;
  if (group.messages == 0) groups_.erase(found);
  return dropped;
}

void Transactions::DropForeign(const Partitions& partitions) {
  const auto foreign = [&](const Pending& each) { return !partitions.Lasts(each.tenure); };
  std::erase_if(messages_, foreign);
  std::erase_if(groups_, [&](const auto& group) { return !partitions.Owns(group.first); });
}

std::optional<ports::RunTransaction> Transactions::Next(Partitions& partitions, model::CommitId id,
                                                        base::Timestamp now, Haste haste) {
  if (under_way_ || now < not_before_) return std::nullopt;
  if (haste == Haste::kNone && now < next_) return std::nullopt;
  DropForeign(partitions);
  if (messages_.empty() && !partitions.moved()) return std::nullopt;
  ports::RunTransaction transaction{
      .commit = id, .records = Join(partitions), .offsets = {}, .assignment = 0};
  // With an offset the group checks that we are still its member, so messages never go without.
  transaction.offsets =
      partitions.CommitAll(id, messages_.empty() ? nullptr : &messages_.front().tenure.partition);
  if (transaction.records.empty() && transaction.offsets.empty()) return std::nullopt;
  under_way_ = id;
  next_ = now + interval_;
  return transaction;
}

std::vector<ports::PublishRecord> Transactions::Join(Partitions& partitions) {
  std::vector<ports::PublishRecord> records;
  std::size_t bytes = 0;
  std::optional<RecordId> last;
  for (Pending& each : messages_) {
    bytes += SizeOf(*each.message);
    const bool full = records.size() >= kMaxMessages || bytes > kMaxBytes;
    // What has joined before must not be left out: its record counts as finished.
    if (full && !records.empty() && !each.joined && each.record != last) break;
    last = each.record;
    records.push_back({.publish = each.publish, .message = each.message});
    if (std::exchange(each.joined, true)) continue;
    const auto group = groups_.find(each.record);
    if (--group->second.messages == 0) groups_.erase(group);
    partitions.Acknowledge(each.record);
  }
  joined_ = records.size();
  return records;
}

Transactions::Ended Transactions::OnEnded(const ports::TransactionEnded& event,
                                          Partitions& partitions, base::Timestamp now,
                                          base::Rng& rng) {
  if (under_way_ != event.commit) return {};
  under_way_.reset();
  partitions.OnCommitted({.commit = event.commit, .outcome = event.outcome});
  Ended ended;
  if (event.outcome) {
    failures_ = 0;
    const auto end = messages_.begin() + static_cast<std::ptrdiff_t>(joined_);
    ended.committed.reserve(joined_);
    for (auto each = messages_.begin(); each != end; ++each)
      ended.committed.push_back(std::move(each->message));
    messages_.erase(messages_.begin(), end);
    return ended;
  }
  for (const Pending& each : messages_) {
    const bool too_large = std::find(event.too_large.begin(), event.too_large.end(),
                                     each.publish) != event.too_large.end();
    if (!too_large) continue;
    ended.refused.push_back(
        {.publish = each.publish, .origin = each.origin, .message = each.message});
  }
  // Without them the next one may succeed at once.
  if (ended.refused.empty()) not_before_ = now + admission::NextDelay(backoff_, ++failures_, rng);
  return ended;
}

void Transactions::Replace(model::PublishId publish, std::optional<ports::Message> message) {
  const auto found =
      std::find_if(messages_.begin(), messages_.end(),
                   [publish](const Pending& each) { return each.publish == publish; });
  if (found == messages_.end()) return;
  if (!message) {
    messages_.erase(found);
    return;
  }
  found->message = std::make_shared<const ports::Message>(*std::move(message));
}

std::optional<base::Timestamp> Transactions::Deadline(const Partitions& partitions) const {
  if (under_way_ || (messages_.empty() && !partitions.moved())) return std::nullopt;
  return std::max(next_, not_before_);
}

}  // namespace llmbatch::pipeline
