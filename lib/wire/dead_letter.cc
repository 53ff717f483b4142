#include "wire/dead_letter.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/utf8.h"

namespace llmbatch::wire {
namespace {

constexpr std::size_t kMaxDetailBytes = 1'024;
// What the protocol adds to a record and to each of its headers, rounded up.
constexpr std::size_t kRecordOverheadBytes = 128;
constexpr std::size_t kHeaderOverheadBytes = 16;

std::size_t SizeOf(const DeadLetter& letter) {
  std::size_t size = kRecordOverheadBytes;
  if (letter.key) size += letter.key->size();
  if (letter.value) size += letter.value->size();
  for (const model::Header& header : letter.headers) {
    size += kHeaderOverheadBytes + header.name.size() + header.value.size();
  }
  return size;
}

bool IsReplaced(const model::Header& header) {
  return header.name.starts_with("dlq-") || header.name == "llmbatch-id";
}

std::vector<model::Header> Reasons(const ports::Record& record, std::string_view reason,
                                   std::string_view detail, const DeadLetterOptions& options) {
  return {
      {.name = "dlq-reason", .value = std::string(reason)},
      {.name = "dlq-detail", .value = std::string(base::TruncateUtf8(detail, kMaxDetailBytes))},
      {.name = "dlq-topic", .value = record.partition.topic},
      {.name = "dlq-partition", .value = std::to_string(record.partition.partition)},
      {.name = "dlq-offset", .value = std::to_string(record.offset)},
      {.name = "dlq-attempts", .value = std::to_string(options.attempts)},
      {.name = "dlq-at", .value = base::FormatRfc3339(options.at)},
  };
}

}  // namespace

DeadLetter EncodeDeadLetter(const ports::Record& record, std::string_view reason,
                            std::string_view detail, const DeadLetterOptions& options) {
  DeadLetter letter{.key = record.key, .value = record.value, .headers = {}};
  std::remove_copy_if(record.headers.begin(), record.headers.end(),
                      std::back_inserter(letter.headers), IsReplaced);
  const auto kept = static_cast<std::ptrdiff_t>(letter.headers.size());
  std::vector<model::Header> reasons = Reasons(record, reason, detail, options);
  std::move(reasons.begin(), reasons.end(), std::back_inserter(letter.headers));

  if (letter.value && SizeOf(letter) > options.max_bytes) {
    letter.headers.push_back({.name = "dlq-size", .value = std::to_string(letter.value->size())});
    letter.headers.push_back({.name = "dlq-sha256", .value = options.sha256_hex});
    letter.value.reset();
  }
  if (kept > 0 && SizeOf(letter) > options.max_bytes) {
    letter.headers.erase(letter.headers.begin(), letter.headers.begin() + kept);
    letter.headers.push_back({.name = "dlq-headers-dropped", .value = std::to_string(kept)});
  }
  if (SizeOf(letter) > options.max_bytes) letter.key.reset();
  return letter;
}

}  // namespace llmbatch::wire
