// Runner: carries out the commands of a script on one Pipeline, in virtual time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admission/limit_book.h"
#include "base/time.h"
#include "coordinator/local_jobs.h"
#include "coordinator/local_ratios.h"
#include "model/task.h"
#include "pipeline/pipeline.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "scenarios/script.h"
#include "scenarios/scripted_provider.h"
#include "scenarios/words.h"

namespace llmbatch::scenarios {

// The commands stand in README.md. What the core asks for stays open until a command answers it;
// only permits are granted at once, as soon as there are any.
class Runner {
 public:
  // What the core did, a line a command; "nothing" if nothing; or what is wrong with the step.
  std::string Run(const Step& step);

 private:
  // The coordinator's side of the permits.
  struct Pool {
    bool open = false;  // whether it answers
    bool away = false;
    std::int64_t free = 0;
    std::vector<std::int64_t> granted;  // by the place of the demand, which never changes
    std::int64_t released = 0;
    std::int64_t last_want = 0;
  };

  // All of these: false if the command isn't theirs, is wrongly written, or answers nothing.
  bool Dispatch(const std::string& name, const Words& words, const Step& step);
  bool FromConsumer(const std::string& name, const Words& words, const std::string& input);
  bool FromPublisher(const std::string& name, const Words& words);
  bool FromCoordinator(const std::string& name, const Words& words);
  bool FromDocuments(const std::string& name, const Words& words, const std::string& command);
  bool FromProvider(const std::string& name, const Words& words, const std::string& command);

  bool Start(const Words& words);
  bool Reload(const Words& words);
  bool Record(const Words& words, const std::string& input);
  bool Told(const Words& words);
  bool LookedUp(const Words& words);
  bool Permits(const Words& words);
  bool Records(const Words& words);
  base::WallTime Wall() const;
  bool Advance(const Words& words);
  bool ShowStatus();

  // Answers everything that is open with what `make` gives for its id; false if nothing is.
  template <typename Id, typename Make>
  bool Reply(std::vector<Id>& open, Make make) {
    std::vector<ports::Event> events;
    for (const Id id : std::exchange(open, {})) events.emplace_back(make(id));
    return !events.empty() && Round(std::move(events));
  }
  // Hands the events over and takes in what follows. Always true.
  bool Round(std::vector<ports::Event> events);
  void Note(const ports::Command& command);
  // Carries out what is asked of what outlives a core; false if it is something else.
  bool NoteKept(const ports::Command& command);
  void NoteSync(const ports::SyncPermits& sync);
  std::optional<ports::Event> SyncReply();
  std::optional<ports::Event> ReserveReply();
  void Print(const std::string& line);

  std::unique_ptr<pipeline::Pipeline> core_;
  base::Timestamp now_{std::chrono::hours(1)};
  std::string output_;
  Pool pool_;
  std::optional<ports::SyncPermits> sync_;
  admission::LimitBook limits_;
  std::optional<ports::ReserveCalls> reserve_;  // answered at once
  ScriptedProvider provider_;
  std::vector<ports::LookUpOutcomes> lookups_;
  std::vector<model::ReleaseId> releases_;  // answered at once
  // The records of jobs, which outlive a core; answered at once.
  coordinator::LocalJobs jobs_{std::size_t{1} << 20};
  bool jobs_away_ = false;
  std::string last_content_;  // of the job that was taken last
  coordinator::LocalRatios ratios_;
  std::vector<ports::Event> kept_events_;
  std::vector<std::pair<std::string, model::FetchId>> fetches_;  // by the document's name
  std::vector<model::StoreId> stores_;
  std::vector<model::PublishId> publishes_;
  std::vector<model::CommitId> commits_;
  std::vector<model::CommitId> transactions_;
  std::vector<model::PublishId> transaction_records_;  // of the last one
};

}  // namespace llmbatch::scenarios
