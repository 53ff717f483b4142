#include "pipeline/ledger_writes.h"

#include <chrono>
#include <cstddef>
#include <utility>

#include "wire/outcome.h"

namespace llmbatch::pipeline {
namespace {

constexpr base::Duration kRepeatInterval = std::chrono::seconds(1);
// Of each kind. What is beyond it is found again when a claim runs out.
constexpr std::size_t kMaxRepeated = 10'000;

}  // namespace

void LedgerWrites::SendOutcomes(base::Timestamp now, ports::Commands& out) {
  Repeat(now);
  if (to_store_.empty()) return;
  ports::StoreOutcomes command{.store = store_ids_.Next(), .outcomes = {}};
  command.outcomes.reserve(to_store_.size());
  for (const Settled& settled : to_store_) {
    const Request& request = settled.request;
    command.outcomes.push_back({.key = request.ledger_key,
                                .value = wire::EncodeOutcome(settled.outcome),
                                .ttl = ttl_,
                                .replaces = request.replaces});
    if (!request.leads_content) continue;
    const bool serves_others = settled.outcome.status == model::ResultStatus::kOk &&
                               settled.outcome.source == model::ResultSource::kGenerated;
    if (serves_others) {
      command.outcomes.push_back({.key = request.content_key,
                                  .value = command.outcomes.back().value,
                                  .ttl = request.recipe->task().cache_ttl});
    } else if (settled.outcome.source == model::ResultSource::kGenerated) {
      to_release_.push_back(request.content_key);
    }
  }
  stores_.emplace(command.store, std::exchange(to_store_, {}));
  out.emplace_back(std::move(command));
}

void LedgerWrites::SendReleases(ports::Commands& out) {
  if (to_release_.empty()) return;
  const auto& [id, keys] =
      *releases_.emplace(release_ids_.Next(), std::exchange(to_release_, {})).first;
  out.emplace_back(ports::ReleaseClaims{.release = id, .keys = keys});
}

std::optional<std::vector<Settled>> LedgerWrites::OnStored(const ports::OutcomesStored& event,
                                                           base::Timestamp now) {
  auto node = stores_.extract(event.store);
  if (node.empty()) return std::nullopt;
  std::vector<Settled> published;
  for (Settled& settled : node.mapped()) {
    // Without the ledger a crash may have to pay again; holding results back would help nobody.
    const bool again =
        !event.outcome && settled.request.abandoned && to_store_again_.size() < kMaxRepeated;
    if (!again) {
      // Not before: who has the claim next looks for what has been stored.
      if (settled.request.replaces) Release(ClaimKey(settled.request));
      published.push_back(std::move(settled));
      continue;
    }
    // Nobody publishes it here: only the ledger can tell the record's next owner.
    to_store_again_.push_back(std::move(settled));
    repeat_at_ = now + kRepeatInterval;
  }
  return published;
}

void LedgerWrites::OnReleased(const ports::ClaimsReleased& event, base::Timestamp now) {
  auto node = releases_.extract(event.release);
  if (node.empty() || event.outcome) return;
  // While we live nobody takes over what we claim.
  for (std::string& key : node.mapped()) {
    if (to_release_again_.size() < kMaxRepeated) to_release_again_.push_back(std::move(key));
  }
  repeat_at_ = now + kRepeatInterval;
}

std::optional<base::Timestamp> LedgerWrites::Deadline() const {
  if (to_store_again_.empty() && to_release_again_.empty()) return std::nullopt;
  return repeat_at_;
}

void LedgerWrites::Repeat(base::Timestamp now) {
  if (now < repeat_at_) return;
  for (Settled& settled : to_store_again_) to_store_.push_back(std::move(settled));
  to_store_again_.clear();
  for (std::string& key : to_release_again_) to_release_.push_back(std::move(key));
  to_release_again_.clear();
}

}  // namespace llmbatch::pipeline
