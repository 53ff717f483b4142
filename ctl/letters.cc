#include "ctl/letters.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "base/base64.h"
#include "base/utf8.h"
#include "ctl/text.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/headers.h"
#include "wire/request.h"

namespace llmbatch::ctl {
namespace {

constexpr std::size_t kMaxShownReason = 24;
constexpr std::string_view kHidden = "(hidden)";

template <typename T>
std::optional<T> ReadNumber(std::string_view text) {
  T number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

// What the message itself says; empty if it isn't one.
std::string TaskIn(const std::optional<std::string>& value) {
  if (!value) return {};
  const auto document = json::Document::Parse(
      *value, {.max_bytes = value->size(), .max_nodes = wire::kMaxJsonValues});
  if (!document) return {};
  const auto task = document->root().Find("task");
  if (!task || !task->is(json::Kind::kString)) return {};
  return std::string(base::TruncateUtf8(task->AsString(), wire::kMaxIdCodePoints));
}

std::string ObstacleOf(const wire::DeadLetterInfo& info, Sources& sources) {
  if (!info.origin) return "it doesn't tell where the record came from";
  if (!info.missing.empty()) return "the record's " + info.missing + " didn't fit into it";
  // Otherwise whoever may write dead letters could make an operator write to any topic.
  if (!sources.Reads(info.origin->partition.topic)) {
    return "the configuration reads no topic '" + info.origin->partition.topic + "'";
  }
  return {};
}

std::string TimeOf(const wire::DeadLetterInfo& info) {
  return info.at ? base::FormatRfc3339(*info.at) : "";
}

std::string SizeOf(const wire::DeadLetterInfo& info) {
  return info.value_bytes ? BytesText(*info.value_bytes) : "null";
}

// Text where it is text, else base64 under another name.
void WriteBytes(json::Writer& writer, const std::string& name, std::string_view bytes) {
  if (base::IsUtf8(bytes)) {
    writer.Key(name).String(bytes);
  } else {
    writer.Key(name + "_base64").String(base::EncodeBase64(bytes));
  }
}

void WriteLetter(json::Writer& writer, const Letter& letter) {
  const wire::DeadLetterInfo& info = letter.info;
  writer.Key("partition").Int(letter.place.partition);
  writer.Key("offset").Int(letter.place.offset);
  if (info.at) writer.Key("at").String(base::FormatRfc3339(*info.at));
  writer.Key("reason").String(info.reason);
  writer.Key("detail").String(info.detail);
  if (info.origin) {
    writer.Key("origin").BeginObject();
    writer.Key("topic").String(info.origin->partition.topic);
    writer.Key("partition").Int(info.origin->partition.partition);
    writer.Key("offset").Int(info.origin->offset);
    writer.EndObject();
  }
  writer.Key("attempts").Int(info.attempts);
  writer.Key("bytes");
  info.value_bytes ? writer.Int(*info.value_bytes) : writer.Null();
  if (!letter.task.empty()) writer.Key("task").String(letter.task);
  writer.Key("replayable").Bool(letter.obstacle.empty());
  if (!letter.obstacle.empty()) writer.Key("obstacle").String(letter.obstacle);
}

bool IsHidden(const model::Header& header, Detail detail) {
  return detail == Detail::kMasked && wire::IsCredential(header.name);
}

}  // namespace

std::optional<Place> ParsePlace(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto partition = ReadNumber<std::int32_t>(text.substr(0, at));
  const auto offset = ReadNumber<std::int64_t>(text.substr(at + 1));
  if (!partition || !offset) return std::nullopt;
  return Place{.partition = *partition, .offset = *offset};
}

std::string ToString(Place place) {
  return std::to_string(place.partition) + "@" + std::to_string(place.offset);
}

bool Sources::Reads(const std::string& topic) {
  const auto known = read_.find(topic);
  if (known != read_.end()) return known->second;
  const bool reads = !TaskOf(topic).empty() || config::ReadsTopic(kafka_, topic);
  constexpr std::size_t kMaxTopics = 10'000;
  if (read_.size() >= kMaxTopics) read_.clear();
  read_.emplace(topic, reads);
  return reads;
}

std::string Sources::TaskOf(const std::string& topic) const {
  const auto bound = std::find_if(kafka_.bindings.begin(), kafka_.bindings.end(),
                                  [&](const config::Binding& each) { return each.topic == topic; });
  return bound == kafka_.bindings.end() ? "" : bound->task;
}

Letter Describe(const ports::Record& record, Sources& sources) {
  Letter letter{.place = {.partition = record.partition.partition, .offset = record.offset},
                .info = wire::ReadDeadLetter(record),
                .task = {},
                .obstacle = {}};
  if (letter.info.origin) letter.task = sources.TaskOf(letter.info.origin->partition.topic);
  if (letter.task.empty()) letter.task = TaskIn(record.value);
  letter.obstacle = ObstacleOf(letter.info, sources);
  return letter;
}

bool Matches(const Letter& letter, const LetterFilter& filter) {
  const auto& at = letter.info.at;
  if (!filter.reason.empty() && letter.info.reason != filter.reason) return false;
  if (!filter.task.empty() && letter.task != filter.task) return false;
  if (filter.since && (!at || *at < *filter.since)) return false;
  if (filter.until && (!at || *at >= *filter.until)) return false;
  return filter.places.empty() || filter.places.contains(letter.place);
}

bool OldestLetters::Older::operator()(const Letter& a, const Letter& b) const {
  return std::tie(a.info.at, a.place) < std::tie(b.info.at, b.place);
}

void OldestLetters::Add(Letter letter) {
  ++added_;
  letters_.insert(std::move(letter));
  if (letters_.size() > max_letters_) letters_.erase(std::prev(letters_.end()));
}

std::vector<Letter> OldestLetters::Take() {
  std::vector<Letter> letters(letters_.begin(), letters_.end());
  letters_.clear();
  added_ = 0;
  return letters;
}

std::string TableOf(const std::vector<Letter>& letters) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(letters.size());
  for (const Letter& letter : letters) {
    const wire::DeadLetterInfo& info = letter.info;
    rows.push_back({ToString(letter.place), TimeOf(info),
                    Shortened(Printable(info.reason), kMaxShownReason),
                    info.origin ? model::ToString(*info.origin) : "", SizeOf(info),
                    Printable(letter.task), letter.obstacle.empty() ? "yes" : "no"});
  }
  return Table({"PLACE", "TIME", "REASON", "ORIGIN", "SIZE", "TASK", "REPLAY"}, rows);
}

std::string JsonOf(const Letter& letter) {
  json::Writer writer;
  writer.BeginObject();
  WriteLetter(writer, letter);
  writer.EndObject();
  return writer.Take();
}

std::string PageOf(const Letter& letter, const ports::Record& record) {
  const wire::DeadLetterInfo& info = letter.info;
  std::string page;
  const auto line = [&page](std::string_view name, std::string_view text) {
    page += std::string(name) + std::string(10 - name.size(), ' ') + std::string(text) + "\n";
  };
  line("place", ToString(letter.place));
  line("time", TimeOf(info));
  line("reason", Printable(info.reason));
  line("detail", Printable(info.detail));
  line("origin", info.origin ? model::ToString(*info.origin) : "(not told)");
  line("attempts", std::to_string(info.attempts));
  line("size", SizeOf(info));
  line("task", letter.task.empty() ? "(not known)" : Printable(letter.task));
  line("replay", letter.obstacle.empty() ? "yes" : "no: " + letter.obstacle);
  line("key", record.key ? Printable(*record.key) : "null");
  for (const model::Header& header : record.headers) {
    const std::string value =
        IsHidden(header, Detail::kMasked) ? std::string(kHidden) : Printable(header.value);
    line("header", Printable(header.name) + ": " + value);
  }
  return page;
}

std::string JsonPageOf(const Letter& letter, const ports::Record& record, Detail detail) {
  json::Writer writer;
  writer.BeginObject();
  WriteLetter(writer, letter);
  if (record.key) WriteBytes(writer, "key", *record.key);
  writer.Key("headers").BeginArray();
  for (const model::Header& header : record.headers) {
    writer.BeginObject();
    WriteBytes(writer, "name", header.name);
    if (IsHidden(header, detail)) {
      writer.Key("hidden").Bool(true);
    } else {
      WriteBytes(writer, "value", header.value);
    }
    writer.EndObject();
  }
  writer.EndArray();
  if (detail == Detail::kWhole && record.value) {
    writer.Key("value_base64").String(base::EncodeBase64(*record.value));
  }
  writer.EndObject();
  return writer.Take();
}

}  // namespace llmbatch::ctl
