#include "wire/dead_letter.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/utf8.h"
#include "wire/headers.h"

namespace llmbatch::wire {
namespace {

constexpr std::string_view kOriginHeader = "llmbatch-origin";
constexpr std::size_t kMaxDetailBytes = 1'024;

std::size_t SizeOf(const DeadLetter& letter) {
  return RecordBytes(letter.key, letter.value, letter.headers);
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

std::optional<std::string_view> HeaderOf(const ports::Record& record, std::string_view name) {
  const auto found = std::find_if(record.headers.begin(), record.headers.end(),
                                  [name](const auto& header) { return header.name == name; });
  if (found == record.headers.end()) return std::nullopt;
  return found->value;
}

template <typename T>
std::optional<T> ReadNumber(const ports::Record& record, std::string_view header) {
  const std::string_view text = HeaderOf(record, header).value_or("");
  T number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<model::Origin> ReadOriginOf(const ports::Record& letter) {
  const auto partition = ReadNumber<std::int32_t>(letter, "dlq-partition");
  const auto offset = ReadNumber<std::int64_t>(letter, "dlq-offset");
  if (!partition || !offset) return std::nullopt;
  model::Origin origin{
      .partition = {.topic = std::string(HeaderOf(letter, "dlq-topic").value_or("")),
                    .partition = *partition},
      .offset = *offset,
      .index = {}};
  // Whoever reads the replay must take it for an origin.
  if (!ReadOrigin({{.name = std::string(kOriginHeader), .value = model::ToString(origin)}})) {
    return std::nullopt;
  }
  return origin;
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

  if (letter.value && (!options.keeps_value || SizeOf(letter) > options.max_bytes)) {
    letter.headers.push_back({.name = "dlq-size", .value = std::to_string(letter.value->size())});
    letter.headers.push_back({.name = "dlq-sha256", .value = options.sha256_hex});
    letter.value.reset();
  }
  if (kept > 0 && SizeOf(letter) > options.max_bytes) {
    letter.headers.erase(letter.headers.begin(), letter.headers.begin() + kept);
    letter.headers.push_back({.name = "dlq-headers-dropped", .value = std::to_string(kept)});
  }
  if (letter.key && SizeOf(letter) > options.max_bytes) {
    letter.headers.push_back(
        {.name = "dlq-key-dropped", .value = std::to_string(letter.key->size())});
    letter.key.reset();
  }
  return letter;
}

DeadLetterInfo ReadDeadLetter(const ports::Record& letter) {
  DeadLetterInfo info{.reason = std::string(HeaderOf(letter, "dlq-reason").value_or("")),
                      .detail = std::string(HeaderOf(letter, "dlq-detail").value_or("")),
                      .origin = ReadOriginOf(letter),
                      .attempts = ReadNumber<std::int64_t>(letter, "dlq-attempts").value_or(0),
                      .at = base::ParseRfc3339(HeaderOf(letter, "dlq-at").value_or(""))};
  if (letter.value) info.value_bytes = static_cast<std::int64_t>(letter.value->size());
  if (HeaderOf(letter, "dlq-key-dropped")) info.missing = "key";
  if (HeaderOf(letter, "dlq-headers-dropped")) info.missing = "headers";
  if (HeaderOf(letter, "dlq-size")) {
    info.missing = "value";
    info.value_bytes = ReadNumber<std::int64_t>(letter, "dlq-size");
  }
  return info;
}

base::Result<Replay> ReplayOf(const ports::Record& letter) {
  const DeadLetterInfo info = ReadDeadLetter(letter);
  if (!info.origin) return base::Invalid("it doesn't tell where the record came from");
  if (!info.missing.empty()) {
    return base::MakeError(base::ErrorKind::kTooLarge,
                           "the record's " + info.missing + " didn't fit into it");
  }
  Replay replay{.topic = info.origin->partition.topic,
                .key = letter.key,
                .value = letter.value,
                .headers = {}};
  std::remove_copy_if(letter.headers.begin(), letter.headers.end(),
                      std::back_inserter(replay.headers), IsReplaced);
  // One that was replayed before keeps the identity that it had then.
  if (ReadOrigin(replay.headers)) return replay;
  std::erase_if(replay.headers, [](const model::Header& h) { return h.name == kOriginHeader; });
  replay.headers.push_back(
      {.name = std::string(kOriginHeader), .value = model::ToString(*info.origin)});
  return replay;
}

}  // namespace llmbatch::wire
