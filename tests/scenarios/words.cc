#include "scenarios/words.h"

#include <algorithm>
#include <charconv>

namespace llmbatch::scenarios {

std::optional<std::int64_t> ToNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

std::optional<base::Duration> ToDuration(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = ToNumber(text.substr(0, digits));
  const std::string_view unit = text.substr(digits);
  if (!number) return std::nullopt;
  if (unit == "ms") return std::chrono::milliseconds(*number);
  if (unit == "s") return std::chrono::seconds(*number);
  if (unit == "m") return std::chrono::minutes(*number);
  return std::nullopt;
}

std::optional<model::TopicPartition> ToPartition(const std::string& text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto number = ToNumber(std::string_view(text).substr(slash + 1));
  if (!number) return std::nullopt;
  return model::TopicPartition{.topic = text.substr(0, slash),
                               .partition = static_cast<std::int32_t>(*number)};
}

std::optional<std::vector<model::TopicPartition>> ToPartitions(const Words& words) {
  std::vector<model::TopicPartition> partitions;
  for (const std::string& word : words) {
    const auto partition = ToPartition(word);
    if (!partition) return std::nullopt;
    partitions.push_back(*partition);
  }
  return partitions;
}

std::string Value(const Words& words, std::string_view name) {
  const auto found = std::find(words.begin(), words.end(), name);
  return found == words.end() || found + 1 == words.end() ? std::string() : *(found + 1);
}

std::int64_t Number(const Words& words, std::string_view name, std::int64_t otherwise) {
  return ToNumber(Value(words, name)).value_or(otherwise);
}

bool Has(const Words& words, std::string_view name) {
  return std::find(words.begin(), words.end(), name) != words.end();
}

}  // namespace llmbatch::scenarios
