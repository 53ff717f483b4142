// The records of jobs in memory, for one replica on its own, bounded in bytes.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "ports/job_record.h"

namespace llmbatch::coordinator {

// Means the same as the script that keeps them in Redis, without what is there for people alone.
// When they take too much, the one that ended longest ago goes first, then the one that was changed
// longest ago.
class LocalJobs {
 public:
  explicit LocalJobs(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  ports::TakenJob Take(const ports::TakeJobRecord& command);
  ports::JobRecordSaved::State Save(const ports::SaveJobRecord& command);
  ports::ToldMember Ask(const ports::AskJobMember& command);
  ports::CommandedJob Command(const ports::CommandJobRecord& command);

  std::size_t bytes() const { return bytes_; }

 private:
  struct Record {
    ports::TakeJobRecord made;  // user_id is empty: only a cancellation that came early
    std::int64_t epoch = 1;
    model::JobStatus status = model::JobStatus::kQueued;
    std::int64_t sequence = 0;
    int percent = 0;
    std::string event;
    std::string result;
    std::map<std::string, std::string> members;
    std::size_t members_bytes = 0;
    std::string cancel;  // empty: not wanted; who wants it, while nothing else is known
    base::WallTime expires;
    std::size_t bytes = 0;
    std::list<std::string>::iterator age;
  };

  Record* Find(const std::string& job_id, base::WallTime now);
  Record& Make(const std::string& job_id);
  // After a change. Others make room for it.
  void Touch(const std::string& job_id, Record& record, base::WallTime expires);
  void Drop(std::list<std::string>::iterator age);

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, Record> records_;
  std::list<std::string> by_age_;  // the one changed longest ago first
};

}  // namespace llmbatch::coordinator
