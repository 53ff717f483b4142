#include "coordinator/local_ledger.h"

#include <iterator>
#include <utility>

namespace llmbatch::coordinator {
namespace {

constexpr std::size_t kBytesToKeepOne = 192;

}  // namespace

std::size_t LocalLedger::BytesOf(const Entry& entry) {
  return entry.key.size() + entry.value.size() + kBytesToKeepOne;
}

void LocalLedger::Erase(Entries::iterator entry) {
  bytes_ -= BytesOf(*entry);
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

base::Result<void> LocalLedger::Store(std::string key, std::string value, base::Timestamp expires) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) Erase(found->second);
  Entry entry{.key = std::move(key), .value = std::move(value), .expires = expires};
  const std::size_t needed = BytesOf(entry);
  if (needed > max_bytes_) {
    return base::MakeError(base::ErrorKind::kTooLarge,
                           "the outcome is larger than the whole ledger in memory");
  }
  while (bytes_ + needed > max_bytes_) Erase(entries_.begin());
  entries_.push_back(std::move(entry));
  by_key_.emplace(entries_.back().key, std::prev(entries_.end()));
  bytes_ += needed;
  return {};
}

std::optional<std::string> LocalLedger::Find(std::string_view key, base::Timestamp now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  if (found->second->expires <= now) {
    Erase(found->second);
    return std::nullopt;
  }
  return found->second->value;
}

}  // namespace llmbatch::coordinator
