// All jobs of a user, as their messages tell of them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "ctl/job_view.h"
#include "ports/record.h"

namespace llmbatch::ctl {

class UserView {
 public:
  // Of more jobs that are under way at a time the later ones are not followed.
  static constexpr std::size_t kMaxJobs = 1'000;

  explicit UserView(const std::string& user_id);

  // Takes in a record of the topics of progress and results. Returns the job that it changed;
  // nullptr: it is about no job of this user. The view is valid until Forget().
  const JobView* Apply(const ports::Record& record);
  // The job is not followed any more.
  void Forget(const std::string& job_id) { jobs_.erase(job_id); }

  // Those that are followed, by their ids.
  std::vector<const JobView*> Jobs() const;

 private:
  // The job of a message about one of this user's jobs; empty: it isn't.
  std::string JobOf(const ports::Record& record) const;

  const std::string user_id_;
  const std::string quoted_id_;
  std::map<std::string, JobView> jobs_;
};

}  // namespace llmbatch::ctl
