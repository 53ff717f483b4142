#include "ctl/job_commands.h"

#include <unistd.h>

#include <iostream>
#include <set>
#include <utility>
#include <vector>

#include "ctl/job_view.h"
#include "ctl/text.h"
#include "json/writer.h"

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

class Screen {
 public:
  explicit Screen(bool json) : json_(json) {}

  void Show(const JobView& view, JobView::Change change) {
    // The result comes last, and topics may be read in any order.
    if (change != JobView::Change::kProgress) return;
    if (json_) {
      std::cout << view.progress_json() + "\n" << std::flush;
    } else {
      std::cout << "\r\x1b[K" + BarOf(view.job_id(), *view.progress(), TerminalColumns() - 1)
                << std::flush;
      has_bar_ = true;
    }
  }

  void Finish(const JobView& view) {
    EndBar();
    std::cout << (json_ ? view.result_json() + "\n" : SummaryOf(view.job_id(), *view.result()))
              << std::flush;
  }

  void EndBar() {
    if (std::exchange(has_bar_, false)) std::cout << "\n" << std::flush;
  }

 private:
  const bool json_;
  bool has_bar_ = false;
};

class Watcher {
 public:
  Watcher(const Session& session, const std::string& job_id)
      : session_(session),
        view_(job_id),
        // What isn't drawn for people is for programs.
        screen_(session.json || !IsTerminal(STDOUT_FILENO)) {}

  ExitCode Run(base::WallTime since) {
    base::Result<void> outcome = Follow(since);
    if (!outcome) {
      screen_.EndBar();
      return Fail(outcome.error());
    }
    screen_.Finish(view_);
    return ExitCodeOf(*view_.result());
  }

 private:
  base::Result<void> Follow(base::WallTime since) {
    auto past = MakeReader(session_);
    if (!past) return past.error();
    auto ranges = AllRanges(**past, since);
    if (!ranges) return ranges.error();
    // What is there already is read to its end first: an id may have been used before.
    if (auto read = Read(**past, *ranges, kafka::ReadUntil::kEnd); !read) return read;
    if (view_.IsOver()) return {};

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
      if (!record) return TellJob(record.error());
      if (!*record) return {};
      const JobView::Change change = view_.Apply(**record);
      screen_.Show(view_, change);
      if (until == kafka::ReadUntil::kEnd) continue;
      if (change == JobView::Change::kResult || view_.IsOver()) return {};
    }
  }

  base::Error TellJob(base::Error error) const {
    if (error.kind != base::ErrorKind::kTimeout) return error;
    error.message = "job '" + view_.job_id() + "': " +
                    (view_.progress() ? "no result in time" : "nothing was seen of it in time");
    return error;
  }

  const Session& session_;
  JobView view_;
  Screen screen_;
};

}  // namespace

ExitCode Submit(const Session& session, const std::string& topic, const Submission& submission) {
  const auto published = PublishJson(session, topic, submission.key, submission.value);
  if (!published) return Fail(published.error());
  if (session.json) {
    json::Writer writer;
    writer.BeginObject();
    writer.Key("kind").String("submitted");
    writer.Key(submission.is_job ? "job_id" : "id").String(submission.id);
    writer.Key("topic").String(topic);
    writer.Key("items").Int(static_cast<std::int64_t>(submission.items));
    writer.EndObject();
    std::cout << writer.Take() + "\n" << std::flush;
  } else {
    std::cout << "submitted " + std::string(submission.is_job ? "job " : "item ") +
                     Printable(submission.id) + " to " + topic + "\n"
              << std::flush;
  }
  return kExitDone;
}

ExitCode Watch(const Session& session, const std::string& job_id, base::WallTime since) {
  return Watcher(session, job_id).Run(since);
}

}  // namespace llmbatch::ctl
