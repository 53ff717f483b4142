#include "ctl/job_view.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "config/values.h"
#include "ctl/text.h"
#include "json/object_reader.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/request.h"

namespace llmbatch::ctl {
namespace {

using json::Kind;
using json::ObjectReader;
using json::Value;
using model::JobStatus;

// Only what is there and has the right type; a later version may tell more or less.
std::string StringIn(Value object, std::string_view name) {
  return ObjectReader(object, "").OptionalString(name).value_or("");
}
std::int64_t IntIn(Value object, std::string_view name) {
  return ObjectReader(object, "").OptionalInt(name).value_or(0);
}

model::ItemCounts CountsIn(Value object) {
  const auto items = ObjectReader(object, "").Optional("items", Kind::kObject);
  if (!items) return {};
  return {.total = IntIn(*items, "total"),
          .done = IntIn(*items, "done"),
          .failed = IntIn(*items, "failed"),
          .cached = IntIn(*items, "cached")};
}

std::string ErrorIn(Value object) {
  const auto error = ObjectReader(object, "").Optional("error", Kind::kObject);
  if (!error) return {};
  return StringIn(*error, "code") + ": " + StringIn(*error, "message");
}

std::map<std::string, std::int64_t> FailuresIn(Value message) {
  std::map<std::string, std::int64_t> failures;
  const auto results = ObjectReader(message, "").Optional("results", Kind::kArray);
  for (std::size_t i = 0; results && i < results->size(); ++i) {
    const Value result = results->At(i);
    if (!result.is(Kind::kObject) || StringIn(result, "status") != "error") continue;
    const auto error = ObjectReader(result, "").Optional("error", Kind::kObject);
    ++failures[error ? StringIn(*error, "code") : "unknown"];
  }
  return failures;
}

JobState ReadProgress(Value message, JobStatus status) {
  JobState state;
  state.status = status;
  state.percent = std::clamp<std::int64_t>(IntIn(message, "percent"), 0, 100);
  state.items = CountsIn(message);
  state.cost_usd = StringIn(message, "cost_usd");
  state.eta_seconds = ObjectReader(message, "").OptionalInt("eta_seconds");
  state.waiting_for = StringIn(message, "waiting_for");
  return state;
}

JobState ReadResult(Value message, JobStatus status) {
  JobState state;
  state.status = status;
  state.partial = ObjectReader(message, "").OptionalBool("partial").value_or(false);
  state.error = ErrorIn(message);
  state.failures = FailuresIn(message);
  if (const auto summary = ObjectReader(message, "").Optional("summary", Kind::kObject)) {
    state.items = CountsIn(*summary);
    state.cost_usd = StringIn(*summary, "cost_usd");
    state.calls = IntIn(*summary, "calls");
    state.total_tokens = IntIn(*summary, "total_tokens");
    state.total_time_ms = IntIn(*summary, "total_time_ms");
  }
  return state;
}

std::string Counted(const JobState& state) {
  std::string text;
  if (state.items.failed > 0) text += ", " + config::ToText(state.items.failed) + " failed";
  if (state.items.cached > 0) text += ", " + config::ToText(state.items.cached) + " cached";
  return text;
}

std::string SecondsText(std::int64_t milliseconds) {
  const std::int64_t tenths = milliseconds / 100;
  return config::ToText(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

std::optional<json::Document> ReadMessage(const std::string& text) {
  auto document = json::Document::Parse(
      text, {.max_bytes = text.size(), .max_nodes = 2 * wire::kMaxJsonValues});
  if (!document || !document->root().is(Kind::kObject)) return std::nullopt;
  return std::move(document).value();
}

JobView::JobView(std::string job_id)
    : job_id_(std::move(job_id)), quoted_id_(json::Quote(job_id_)) {}

JobView::Change JobView::Apply(const ports::Record& record) {
  // Most records are of other jobs, and large: JSON is read only where the id may be in it. An id
  // may be written in more ways than one, but not by llmbatchd.
  if (!record.value || record.value->find(quoted_id_) == std::string::npos) return Change::kNone;
  const auto document = ReadMessage(*record.value);
  if (!document) return Change::kNone;
  const Value message = document->root();
  if (StringIn(message, "job_id") != job_id_) return Change::kNone;
  const std::string kind = StringIn(message, "kind");
  if (kind == "job_result_part") return ApplyPart(message);
  if (kind == "job_result") return ApplyResult(message);
  const auto status = model::ParseJobStatus(StringIn(message, "status"));
  if (kind != "progress" || !status) return Change::kNone;
  progress_ = ReadProgress(message, *status);
  progress_json_ = message.ToJson();
  return Change::kProgress;
}

JobView::Change JobView::ApplyResult(Value message) {
  const auto status = model::ParseJobStatus(StringIn(message, "status"));
  if (!status) return Change::kNone;
  result_json_ = message.ToJson();
  result_ = ReadResult(message, *status);
  return Change::kResult;
}

JobView::Change JobView::ApplyPart(Value message) {
  const std::int64_t parts = IntIn(message, "parts");
  const std::int64_t part = IntIn(message, "part");
  if (part < 1 || part > parts) return Change::kNone;
  if (parts != std::exchange(parts_expected_, parts)) parts_.clear();
  parts_.insert_or_assign(part, StringIn(message, "json"));
  if (static_cast<std::int64_t>(parts_.size()) < parts) return Change::kNone;
  std::string whole;
  for (const auto& [number, piece] : std::exchange(parts_, {})) whole += piece;
  const auto document = ReadMessage(whole);
  if (!document) return Change::kNone;
  return ApplyResult(document->root());
}

bool JobView::IsOver() const {
  return result_.has_value() && (!progress_ || IsFinal(progress_->status));
}

ExitCode ExitCodeOf(const JobState& result) {
  switch (result.status) {
    case JobStatus::kCompleted:
      return result.partial ? kExitLeftOver : kExitDone;
    case JobStatus::kCancelled:
      return kExitJobCancelled;
    case JobStatus::kFailed:
    case JobStatus::kQueued:
    case JobStatus::kProcessing:
      return kExitJobFailed;
  }
  return kExitJobFailed;
}

std::string BarOf(const std::string& job_id, const JobState& progress, std::size_t columns) {
  constexpr std::size_t kBarColumns = 24;
  constexpr std::size_t kMaxIdColumns = 30;
  const auto filled = static_cast<std::size_t>(progress.percent) * kBarColumns / 100;
  std::string line = Shortened(Printable(job_id), kMaxIdColumns) + " [" + std::string(filled, '#') +
                     std::string(kBarColumns - filled, '-') + "] " +
                     std::to_string(progress.percent) + " %  " +
                     config::ToText(progress.items.done) + "/" +
                     config::ToText(progress.items.total) + " items" + Counted(progress);
  if (!progress.cost_usd.empty()) line += ", $" + Printable(progress.cost_usd);
  if (progress.eta_seconds) {
    line += ", about " + config::ToText(*progress.eta_seconds) + " s left";
  }
  if (!progress.waiting_for.empty()) line += "; waits for " + Printable(progress.waiting_for);
  return Shortened(line, columns);
}

std::string SummaryOf(const std::string& job_id, const JobState& result) {
  std::string text =
      Printable(job_id) + " " + std::string(model::ToString(result.status)) + ": " +
      config::ToText(result.items.total) + " items" + Counted(result) + "; " +
      config::ToText(result.calls) + " calls, " + config::ToText(result.total_tokens) +
      " tokens, " +
      (result.cost_usd.empty() ? "cost not known" : "$" + Printable(result.cost_usd)) + ", " +
      SecondsText(result.total_time_ms) + "\n";
  for (const auto& [code, count] : result.failures) {
    text += "  " + config::ToText(count) + " " + Printable(code) + "\n";
  }
  if (!result.error.empty()) text += "  " + Printable(result.error) + "\n";
  return text;
}

}  // namespace llmbatch::ctl
