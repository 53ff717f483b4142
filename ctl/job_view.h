// A job as its messages tell of it: progress events and the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "ctl/exit_codes.h"
#include "json/value.h"
#include "model/job.h"
#include "ports/record.h"

namespace llmbatch::ctl {

// Of both kinds of message, what people are told. Texts are as they came, not yet printable.
struct JobState {
  model::JobStatus status = model::JobStatus::kQueued;
  std::int64_t percent = 0;  // of a progress event
  bool partial = false;      // of a result
  model::ItemCounts items;
  std::string cost_usd;  // empty: not known
  std::optional<std::int64_t> eta_seconds;
  std::string waiting_for;
  std::string error;  // of a result: code and message
  std::int64_t calls = 0;
  std::int64_t total_tokens = 0;
  std::int64_t total_time_ms = 0;
  std::map<std::string, std::int64_t> failures;  // of a result: items by error code
};

// A message as JSON; nullopt: it is no JSON object.
std::optional<json::Document> ReadMessage(const std::string& text);

class JobView {
 public:
  enum class Change { kNone, kProgress, kResult };

  explicit JobView(std::string job_id);

  // Takes in a record of the topics of progress and results. Messages of other jobs and what can't
  // be read change nothing. A result in parts is there with the last of them.
  Change Apply(const ports::Record& record);

  // The latest; a later result of the same id goes before an earlier one.
  const std::optional<JobState>& progress() const { return progress_; }
  const std::optional<JobState>& result() const { return result_; }
  // The messages behind them as JSON on one line.
  const std::string& progress_json() const { return progress_json_; }
  const std::string& result_json() const { return result_json_; }
  const std::string& job_id() const { return job_id_; }

  // Whether the result is there and no run of the job is seen to be under way.
  bool IsOver() const;

 private:
  Change ApplyResult(json::Value message);
  Change ApplyPart(json::Value message);

  const std::string job_id_;
  const std::string quoted_id_;
  std::optional<JobState> progress_;
  std::optional<JobState> result_;
  std::string progress_json_;
  std::string result_json_;
  // Parts of a result, by their numbers, of so many.
  std::map<std::int64_t, std::string> parts_;
  std::int64_t parts_expected_ = 0;
};

// REQUIRES: the state is that of a result
ExitCode ExitCodeOf(const JobState& result);

// One line of at most `columns` characters: a bar, percent, items, cost, what is waited for.
std::string BarOf(const std::string& job_id, const JobState& progress, std::size_t columns);
// One or more lines, each with its end.
std::string SummaryOf(const std::string& job_id, const JobState& result);

}  // namespace llmbatch::ctl
