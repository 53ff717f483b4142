// The records of jobs, as people and programs read them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "model/job.h"
#include "redis/connection.h"

namespace llmbatch::ctl {

// A record's fields, as jobs/record_script.h lists them, and `batches`, a JSON array. Texts are as
// they came.
using RecordFields = std::map<std::string, std::string, std::less<>>;

// How much of a record is wanted: all but its request, batches and result, or those as well.
enum class Extent { kBrief, kWhole };

struct JobFilter {
  std::string user_id;  // empty: of all users
  std::optional<model::JobStatus> status;
  std::string workflow;  // empty: any
  std::size_t max_jobs = 50;
};

using JobCounts = std::map<std::string, std::int64_t, std::less<>>;  // by status

// Reads what llmbatchd keeps in Redis; changes nothing.
class RecordReader {
 public:
  // The error says that there is no Redis, or what is the matter with it.
  static base::Result<RecordReader> Open(const config::Redis& config);

  // nullopt: there is no such job (any more). A request or result that stands beside the record is
  // among the fields as if it stood in it, unless Redis has lost it.
  base::Result<std::optional<RecordFields>> Find(const std::string& job_id, Extent extent);
  // The newest ones first, as far as the filter takes them. Without a user: those that were changed
  // last first.
  base::Result<std::vector<RecordFields>> List(const JobFilter& filter);
  // Of one user, or of all if `user_id` is empty; every status is there.
  base::Result<JobCounts> Count(const std::string& user_id);

 private:
  RecordReader(redis::Connection connection, std::string prefix)
      : connection_(std::move(connection)), prefix_(std::move(prefix)) {}

  base::Result<std::vector<redis::OwnedReply>> Ask(const std::vector<redis::Request>& requests);
  base::Result<std::vector<std::string>> Ids(const JobFilter& filter, std::size_t first,
                                             std::size_t count);
  base::Result<RecordFields> FindWhole(const std::string& job_id);
  base::Result<RecordFields> FindBrief(const std::string& job_id);

  redis::Connection connection_;
  std::string prefix_;
};

// One line a job, under a header.
std::string TableOfJobs(const std::vector<RecordFields>& jobs);
// What is known of a job but its request and result, a line each.
std::string TextOf(const RecordFields& job);
// One JSON object.
std::string JsonOf(const RecordFields& job, Extent extent);
std::string JsonOf(const JobCounts& counts);

}  // namespace llmbatch::ctl
