#include "scenarios/cancelling.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "json/value.h"
#include "scenarios/runner.h"

namespace llmbatch::scenarios {
namespace {

constexpr int kMostRounds = 100;

// The job that a script is about: the first one.
struct Subject {
  std::string job_id;
  std::string user_id;
};

// Whose message a step brings; nullopt: no job's.
std::optional<Subject> JobOf(const Step& step) {
  const auto message = json::Document::Parse(step.input);
  if (!message || !message->root().is(json::Kind::kObject)) return std::nullopt;
  const auto kind = message->root().Find("kind");
  if (!kind || kind->AsString() != "job") return std::nullopt;
  return Subject{.job_id = std::string(message->root().Find("job_id")->AsString()),
                 .user_id = std::string(message->root().Find("user_id")->AsString())};
}

// The places of the steps behind which the job can be cancelled: it has begun, also anew after a
// crash, and nothing else has.
std::vector<std::size_t> PlacesFor(const Script& script, Subject& subject) {
  std::vector<std::size_t> places;
  bool has_begun = false;
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    const std::optional<Subject> job = JobOf(script.steps[i]);
    if (job && subject.job_id.empty()) subject = *job;
    if (job && job->job_id != subject.job_id) break;
    if (script.steps[i].command.starts_with("start")) has_begun = false;
    has_begun = has_begun || job.has_value();
    if (has_begun) places.push_back(i);
  }
  return places;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line.substr(std::min(line.find_first_not_of(' '), line.size())));
  return lines;
}

// One run of the script up to a step, and what was told of the job in it.
class Run {
 public:
  explicit Run(const Subject& subject) : subject_(subject) {}

  // False: the command answers nothing.
  bool Do(std::string command, std::string input = {}) {
    const std::string output = runner_.Run(
        {.preface = {}, .line = 0, .command = command, .input = std::move(input), .expected = {}});
    for (const std::string& line : LinesOf(output)) Read(line);
    return !output.starts_with("error: ");
  }
  void Cancel() {
    Do("record llm.control/0 offset " + std::to_string(commands_++) + " key " + subject_.job_id,
       R"({"kind":"cancel","job_id":")" + subject_.job_id + R"(","user_id":")" + subject_.user_id +
           R"("})");
    cancelled_ = true;
  }
  // Answers whatever is open until nothing is. The ledger has what a job that had ended was told.
  void Drain(bool had_ended) {
    const char* const looked_up = had_ended ? "looked-up hit" : "looked-up miss";
    for (int round = 0; round < kMostRounds; ++round) {
      bool busy = false;
      for (const char* const reply :
           {looked_up, "stored", "published", "transaction-ends", "committed", "aborted", "answer"})
        busy = Do(reply) || busy;
      for (const std::string& name : std::exchange(fetches_, {}))
        busy = Do("fetched " + name + " [{\"id\":\"a\",\"text\":\"text of a\"}]") || busy;
      Do("advance 1s");
      if (!busy) return;
    }
    open_ = true;
  }

  bool ended() const { return !finals_.empty(); }
  std::vector<std::string> Judge(bool had_ended) const {
    std::vector<std::string> faults;
    if (open_) faults.emplace_back("something stays open");
    if (finals_.size() != 1)
      faults.push_back(std::to_string(finals_.size()) + " final progress events");
    if (results_.size() != 1) faults.push_back(std::to_string(results_.size()) + " job results");
    if (!asked_.empty()) faults.push_back("asked after the cancellation: " + asked_);
    if (contradictory_) faults.emplace_back("one sequence number has two events");
    if (!finals_.empty() && *finals_.begin() != last_) faults.emplace_back("the end isn't last");
    if (had_ended) {
      if (refusals_ != 2) faults.emplace_back("a command for a job that had ended isn't answered");
      return faults;
    }
    // One whose last answer was in, and that waited only for its events to be told, ends as it is:
    // nothing of it was cancelled.
    const bool told = std::all_of(results_.begin(), results_.end(), [this](const auto& result) {
      const bool whole = aborted_ == 0 && result.find(" cancelled") == std::string::npos;
      return result.find(" cancelled cancelled") != std::string::npos || whole;
    });
    if (!told) faults.emplace_back("the result isn't cancelled");
    const bool in_doubt = std::any_of(results_.begin(), results_.end(), [](const auto& result) {
      return result.find(", in doubt $") != std::string::npos;
    });
    if (aborted_ > 0 && !in_doubt) faults.emplace_back("what aborted calls may cost isn't told");
    return faults;
  }

 private:
  void Read(const std::string& line) {
    const std::string progress = "publish to llm.progress: progress " + subject_.job_id + " #";
    const std::string result = "publish to llm.results: job_result " + subject_.job_id + " ";
    if (line.starts_with(progress)) {
      const bool is_final = line.find(" processing ") == std::string::npos;
      const std::size_t number = std::stoul(line.substr(progress.size()));
      const auto [place, added] = events_.emplace(number, line);
      contradictory_ = contradictory_ || (!added && place->second != line);
      if (is_final) finals_.insert(line);
      last_ = events_.rbegin()->second;
    } else if (line.starts_with(result)) {
      results_.insert(line);
    } else if (line.find("command_error cancel") != std::string::npos) {
      ++refusals_;
    } else if (line.starts_with("fetch ")) {
      fetches_.push_back(line.substr(6, line.rfind(" of ") - 6));
    }
    if (!cancelled_) return;
    if (line.starts_with("abort call ")) ++aborted_;
    const bool asks = line.starts_with("call ") || line.starts_with("fetch ");
    if (asks && asked_.empty()) asked_ = line;
  }

  Subject subject_;
  Runner runner_;
  int commands_ = 0;
  bool cancelled_ = false;
  std::vector<std::string> fetches_;
  std::map<std::size_t, std::string> events_;  // by their sequence numbers
  std::string last_;
  std::set<std::string> finals_, results_;  // repeats are the same
  int refusals_ = 0;
  int aborted_ = 0;
  std::string asked_;
  bool contradictory_ = false;
  bool open_ = false;
};

}  // namespace

std::vector<std::string> CancelEverywhere(const Script& script) {
  Subject subject;
  const std::vector<std::size_t> places = PlacesFor(script, subject);
  LLMBATCH_CHECK(!places.empty());
  std::vector<std::string> faults;
  for (const std::size_t place : places) {
    Run run(subject);
    if (!script.steps.front().command.starts_with("start")) run.Do("start price");
    for (std::size_t i = 0; i <= place; ++i) {
      const Step& step = script.steps[i];
      const bool starts = step.command.starts_with("start");
      run.Do(starts ? step.command + " price" : step.command, step.input);
    }
    const bool had_ended = run.ended();
    run.Do("assign llm.control/0 at 0");
    run.Cancel();
    run.Cancel();
    run.Drain(had_ended);
    for (const std::string& fault : run.Judge(had_ended)) {
      faults.push_back("cancelled after line " + std::to_string(script.steps[place].line) + ", " +
                       script.steps[place].command + ": " + fault);
    }
  }
  return faults;
}

}  // namespace llmbatch::scenarios
