#include "ctl/record_commands.h"

#include <iostream>
#include <utility>

#include "ctl/text.h"
#include "json/writer.h"

namespace llmbatch::ctl {

ExitCode ListJobs(const config::Config& config, const JobFilter& filter, bool json) {
  auto reader = RecordReader::Open(config.redis);
  if (!reader) return Fail(reader.error());
  const auto jobs = reader->List(filter);
  if (!jobs) return Fail(jobs.error());
  if (!json) {
    std::cout << TableOfJobs(*jobs);
    return kExitDone;
  }
  for (const RecordFields& job : *jobs) std::cout << JsonOf(job, Extent::kBrief) + "\n";
  return kExitDone;
}

ExitCode ShowJob(const config::Config& config, const std::string& job_id, Extent extent,
                 bool json) {
  auto reader = RecordReader::Open(config.redis);
  if (!reader) return Fail(reader.error());
  const auto job = reader->Find(job_id, extent);
  if (!job) return Fail(job.error());
  if (!*job) {
    return Fail(base::MakeError(base::ErrorKind::kNotFound, "there is no job '" + job_id + "'"));
  }
  const bool as_json = json || extent == Extent::kWhole;
  std::cout << (as_json ? JsonOf(**job, extent) + "\n" : TextOf(**job));
  return kExitDone;
}

ExitCode CountJobs(const config::Config& config, const std::string& user_id, bool json) {
  auto reader = RecordReader::Open(config.redis);
  if (!reader) return Fail(reader.error());
  const auto counts = reader->Count(user_id);
  if (!counts) return Fail(counts.error());
  if (json) {
    std::cout << JsonOf(*counts) + "\n";
    return kExitDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [status, count] : *counts) rows.push_back({status, std::to_string(count)});
  std::cout << Table({"STATUS", "JOBS"}, rows);
  return kExitDone;
}

ExitCode SendCommand(const Session& session, const wire::JobCommand& command) {
  json::Writer writer;
  writer.BeginObject().Key("kind").String(ToString(command.kind));
  writer.Key("job_id").String(command.job_id);
  writer.Key("user_id").String(command.user_id);
  std::string value = writer.EndObject().Take();
  const auto published = PublishJson(session, session.config.kafka.control, command.job_id, value);
  if (!published) return Fail(published.error());
  if (session.json) {
    std::cout << std::move(value) + "\n";
  } else {
    std::cout << "asked to " + std::string(ToString(command.kind)) + " job " +
                     Printable(command.job_id) + "\n";
  }
  return kExitDone;
}

}  // namespace llmbatch::ctl
