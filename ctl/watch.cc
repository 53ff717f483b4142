#include "ctl/watch.h"

#include <unistd.h>

#include <iostream>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "ctl/job_view.h"
#include "ctl/text.h"
#include "ctl/user_view.h"

namespace llmbatch::ctl {
namespace {

using Ranges = std::vector<kafka::PartitionRange>;

std::vector<std::string> TopicsOf(const config::Config& config) {
  std::set<std::string> results{config.kafka.results};
  for (const auto& [name, task] : config.catalog->tasks) {
    if (!task->results_topic.empty()) results.insert(task->results_topic);
  }
  std::vector<std::string> topics(results.begin(), results.end());
  // Asked last: then the last progress event is not behind its end where the result isn't.
  topics.push_back(config.kafka.progress);
  return topics;
}

// What isn't drawn for people is for programs.
bool WritesJson(const Session& session) { return session.json || !IsTerminal(STDOUT_FILENO); }

// Bars that are drawn anew with each change, below what stays.
class Bars {
 public:
  void Draw(const std::vector<const JobView*>& jobs) {
    constexpr std::size_t kMostBars = 20;
    std::string text = Cleared();
    for (const JobView* job : jobs) {
      if (!job->progress()) continue;
      if (drawn_ == kMostBars) break;
      text += BarOf(job->job_id(), *job->progress(), TerminalColumns() - 1) + "\n";
      ++drawn_;
    }
    std::cout << text << std::flush;
  }
  // Writes something that stays.
  void Write(std::string_view text) { std::cout << Cleared() << text << std::flush; }

 private:
  std::string Cleared() {
    const std::size_t drawn = std::exchange(drawn_, 0);
    return drawn == 0 ? "" : "\x1b[" + std::to_string(drawn) + "A\r\x1b[J";
  }

  std::size_t drawn_ = 0;
};

// What is followed: one job or many.
class Followed {
 public:
  virtual ~Followed() = default;
  // What was there before it is followed.
  virtual void TakePast(const ports::Record& record) = 0;
  virtual void EndPast() = 0;
  virtual void Take(const ports::Record& record) = 0;
  virtual bool IsOver() const = 0;
  // REQUIRES: IsOver()
  virtual ExitCode Finish() = 0;
  // When the time is up.
  virtual std::string What() const = 0;
};

class FollowedJob : public Followed {
 public:
  FollowedJob(const std::string& job_id, bool json) : json_(json), view_(job_id) {}

  void TakePast(const ports::Record& record) override { Show(view_.Apply(record)); }
  void EndPast() override { over_ = view_.IsOver(); }
  void Take(const ports::Record& record) override {
    const JobView::Change change = view_.Apply(record);
    Show(change);
    over_ = change == JobView::Change::kResult || view_.IsOver();
  }
  bool IsOver() const override { return over_; }
  ExitCode Finish() override {
    bars_.Write(json_ ? view_.result_json() + "\n" : SummaryOf(view_.job_id(), *view_.result()));
    return ExitCodeOf(*view_.result());
  }
  std::string What() const override {
    return "job '" + view_.job_id() +
           "': " + (view_.progress() ? "no result in time" : "nothing was seen of it in time");
  }

 private:
  void Show(JobView::Change change) {
    // The result comes last, and topics may be read in any order.
    if (change != JobView::Change::kProgress) return;
    if (json_) {
      bars_.Write(view_.progress_json() + "\n");
    } else {
      bars_.Draw({&view_});
    }
  }

  const bool json_;
  JobView view_;
  Bars bars_;
  bool over_ = false;
};

class FollowedUser : public Followed {
 public:
  FollowedUser(const std::string& user_id, bool json)
      : user_id_(user_id), json_(json), view_(user_id) {}

  void TakePast(const ports::Record& record) override { view_.Apply(record); }
  void EndPast() override {
    for (const JobView* job : view_.Jobs()) {
      if (job->IsOver()) view_.Forget(job->job_id());
    }
    Draw();
  }
  void Take(const ports::Record& record) override {
    const JobView* job = view_.Apply(record);
    if (job == nullptr) return;
    if (job->IsOver()) return End(*job);
    if (json_ && job->progress()) bars_.Write(job->progress_json() + "\n");
    Draw();
  }
  bool IsOver() const override { return view_.Jobs().empty(); }
  ExitCode Finish() override {
    if (ended_ == 0 && !json_) bars_.Write("no job of " + Printable(user_id_) + " is under way\n");
    return exit_code_;
  }
  std::string What() const override {
    return "user '" + user_id_ + "': " + std::to_string(view_.Jobs().size()) +
           " jobs without a result in time";
  }

 private:
  void Draw() {
    if (!json_) bars_.Draw(view_.Jobs());
  }
  void End(const JobView& job) {
    bars_.Write(json_ ? job.result_json() + "\n" : SummaryOf(job.job_id(), *job.result()));
    if (exit_code_ == kExitDone) exit_code_ = ExitCodeOf(*job.result());
    ++ended_;
    view_.Forget(std::string(job.job_id()));
    Draw();
  }

  const std::string user_id_;
  const bool json_;
  UserView view_;
  Bars bars_;
  std::size_t ended_ = 0;
  ExitCode exit_code_ = kExitDone;
};

class Watcher {
 public:
  Watcher(const Session& session, Followed& followed) : session_(session), followed_(followed) {}

  ExitCode Run(base::WallTime since) {
    if (auto outcome = Follow(since); !outcome) return Fail(outcome.error());
    return followed_.Finish();
  }

 private:
  base::Result<void> Follow(base::WallTime since) {
    auto past = MakeReader(session_);
    if (!past) return past.error();
    auto ranges = AllRanges(**past, since);
    if (!ranges) return ranges.error();
    // What is there already is read to its end first: an id may have been used before.
    if (auto read = Read(**past, *ranges, kafka::ReadUntil::kEnd); !read) return read;
    followed_.EndPast();
    if (followed_.IsOver()) return {};

    for (kafka::PartitionRange& range : *ranges) range.begin = range.end;
    auto future = MakeReader(session_);
    if (!future) return future.error();
    return Read(**future, *ranges, kafka::ReadUntil::kForever);
  }

  base::Result<Ranges> AllRanges(kafka::TopicReader& reader, base::WallTime since) {
    Ranges all;
    for (const std::string& topic : TopicsOf(session_.config)) {
      auto ranges = reader.Ranges(topic, session_.deadline);
      if (!ranges) return ranges.error();
      ranges = reader.WrittenSince(*std::move(ranges), since, session_.deadline);
      if (!ranges) return ranges.error();
      all.insert(all.end(), ranges->begin(), ranges->end());
    }
    return all;
  }

  base::Result<void> Read(kafka::TopicReader& reader, const Ranges& ranges,
                          kafka::ReadUntil until) {
    if (auto begun = reader.Begin(ranges, until); !begun) return begun;
    while (true) {
      const auto record = reader.Next(session_.deadline);
      if (!record) return Told(record.error());
      if (!*record) return {};
      if (until == kafka::ReadUntil::kEnd) {
        followed_.TakePast(**record);
        continue;
      }
      followed_.Take(**record);
      if (followed_.IsOver()) return {};
    }
  }

  base::Error Told(base::Error error) const {
    if (error.kind == base::ErrorKind::kTimeout) error.message = followed_.What();
    return error;
  }

  const Session& session_;
  Followed& followed_;
};

}  // namespace

ExitCode WatchJob(const Session& session, const std::string& job_id, base::WallTime since) {
  FollowedJob job(job_id, WritesJson(session));
  return Watcher(session, job).Run(since);
}

ExitCode WatchUser(const Session& session, const std::string& user_id, base::WallTime since) {
  FollowedUser user(user_id, WritesJson(session));
  return Watcher(session, user).Run(since);
}

}  // namespace llmbatch::ctl
