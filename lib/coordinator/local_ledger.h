// Keys and values that live for a while, bounded in bytes: what was stored longest ago goes first.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/time.h"

namespace llmbatch::coordinator {

class LocalLedger {
 public:
  // Bytes are those of keys and values, with an allowance for keeping them.
  explicit LocalLedger(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Takes the place of what the key had. kTooLarge if it could never fit.
  base::Result<void> Store(std::string key, std::string value, base::Timestamp expires);
  // nullopt: never stored, pushed out, or expired.
  std::optional<std::string> Find(std::string_view key, base::Timestamp now);

  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    std::string value;
    base::Timestamp expires;
  };
  using Entries = std::list<Entry>;

  static std::size_t BytesOf(const Entry& entry);
  void Erase(Entries::iterator entry);

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Entries entries_;  // oldest first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
};

}  // namespace llmbatch::coordinator
