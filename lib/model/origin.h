// Where a request came from. Its origin is its identity: the same record read again is the same
// request.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace llmbatch::model {

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

struct Origin {
  TopicPartition partition;
  std::int64_t offset = 0;
  // Position of an item within a job that carries its items in its own message.
  std::optional<std::int32_t> index;

  friend auto operator<=>(const Origin&, const Origin&) = default;
};

// "llm.requests/3/1042", or "llm.requests/3/1042#7" with an index.
std::string ToString(const Origin& origin);

}  // namespace llmbatch::model

template <>
struct std::hash<llmbatch::model::TopicPartition> {
  std::size_t operator()(const llmbatch::model::TopicPartition& partition) const noexcept {
    return std::hash<std::string>{}(partition.topic) * 31 +
           std::hash<std::int32_t>{}(partition.partition);
  }
};
