// JobTable: the jobs under way, what they used, and which progress events they give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "jobs/standing.h"
#include "model/ids.h"
#include "model/job.h"

namespace llmbatch::jobs {

struct JobOptions {
  // At most one progress event in this time, but for changes of step and the end.
  base::Duration progress_interval = std::chrono::milliseconds(250);
};

// The last two messages of a job, in this order.
struct FinalReport {
  model::Progress progress;
  model::JobResult result;
};

// Belongs to one thread. All that name a job by its id: REQUIRES it to be in the table.
class JobTable {
 public:
  explicit JobTable(JobOptions options) : options_(options) {}

  // For jobs under way as well.
  void SetOptions(JobOptions options) { options_ = options; }

  // Why a job can't begin; nullopt: it can.
  enum class Conflict { kSame, kOtherContent, kOtherUser };
  // `content` tells requests with the same job_id apart: a hash of the message.
  std::optional<Conflict> FindConflict(const model::Job& job, std::string_view content) const;

  // REQUIRES: no conflict
  void Begin(model::RequestId id, const model::Job& job, std::string content,
             const Standing& standing, base::Now now);
  // Before Start(): what was told of the job last, by whoever worked for it before. That event is
  // under way again.
  void Resume(model::RequestId id, std::int64_t sequence, int percent);
  // Before Start(): what was told of the job, if anything, isn't known.
  void Reset(model::RequestId id);
  // Its first event here, unless another one is under way.
  std::optional<model::Progress> Start(model::RequestId id, const Standing& standing,
                                       base::Now now);
  // Adds what a step of the job used.
  void Book(model::RequestId id, const model::ItemOutcome& outcome);
  // A call was made for the job; does nothing for one that isn't in the table.
  void CountCall(model::RequestId id);
  // The event, if it is time for one: the step has changed, or the last event is old enough; and if
  // none is under way. Else it comes with Due().
  std::optional<model::Progress> Advance(model::RequestId id, const Standing& standing,
                                         base::Now now);
  // What the job's calls wait for, in words; empty: nothing. Shown with the next progress event.
  void SetWaitingFor(model::RequestId id, std::string_view reason);
  // One event is under way at a time, so that whoever takes the job over has only that one to tell
  // again. Each that is returned is, until:
  void Told(model::RequestId id);  // does nothing for a job that isn't in the table
  bool IsTelling(model::RequestId id) const { return jobs_.at(id).telling; }
  // There are stages without an event yet; Advance() gives the next one if none is under way.
  bool HasUntoldStages(model::RequestId id, const Standing& standing) const {
    return jobs_.at(id).stages_told < standing.stages.size();
  }
  // Progress events that were held back and are due now.
  std::vector<std::pair<model::RequestId, model::Progress>> Due(base::Now now);
  std::optional<base::Timestamp> Deadline() const;

  Totals TotalsOf(model::RequestId id, base::Now now) const;
  // The job leaves the table. REQUIRES: !IsTelling(id)
  FinalReport End(model::RequestId id, const Standing& standing, Ending ending, base::Now now);
  // Forgets a job without a report: its partition has another owner. It need not be there.
  void Drop(model::RequestId id);

  std::optional<model::RequestId> Find(std::string_view job_id) const;
  bool Contains(model::RequestId id) const { return jobs_.contains(id); }
  std::size_t size() const { return jobs_.size(); }

 private:
  struct Entry {
    std::string job_id, workflow, task, user_id, content;
    Standing standing;
    Totals totals;
    std::int64_t sequence = 0;
    std::size_t stages_told = 0;
    int percent_told = 0;
    std::string waiting_for;
    bool started = false;
    bool reset = false;       // to be told with the next event
    bool facts_due = false;   // they weren't known when it began, and haven't been told since
    bool telling = false;     // an event is under way
    bool unreported = false;  // something has changed since the last event
    bool urgent = false;      // and it is a new step
    base::Timestamp began;
    base::Timestamp last_progress;
  };

  static bool HasUntold(const Entry& job) { return job.stages_told < job.standing.stages.size(); }
  static void Take(Entry& job, const Standing& standing);
  std::optional<base::Timestamp> DueAt(const Entry& job) const;
  static model::Progress NextProgress(Entry& job, model::JobStatus status, base::Now now);

  JobOptions options_;
  std::map<model::RequestId, Entry> jobs_;
  std::map<std::string, model::RequestId, std::less<>> by_job_id_;
};

}  // namespace llmbatch::jobs
