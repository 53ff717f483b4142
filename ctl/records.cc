#include "ctl/records.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "ctl/text.h"
#include "jobs/record_script.h"
#include "json/value.h"
#include "json/writer.h"
#include "redis/address.h"

namespace llmbatch::ctl {
namespace {

constexpr std::size_t kIdsAtATime = 500;
constexpr std::array<model::JobStatus, 5> kStatuses{
    model::JobStatus::kQueued, model::JobStatus::kProcessing, model::JobStatus::kCompleted,
    model::JobStatus::kFailed, model::JobStatus::kCancelled};
// In the order in which they are shown.
constexpr std::array<std::string_view, 4> kTimes{"created", "started", "updated", "completed"};
constexpr std::array<std::string_view, 9> kShort{
    "job_id", "user", "workflow", "task", "priority", "status", "percent", "sequence", "retry_of"};
constexpr std::array<std::string_view, 8> kListed{"job_id", "user",    "workflow", "task",
                                                  "status", "percent", "created",  "updated"};

std::string_view Field(const RecordFields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

std::string TimeText(std::string_view millis) {
  std::int64_t number = 0;
  const auto [at, error] = std::from_chars(millis.data(), millis.data() + millis.size(), number);
  if (error != std::errc() || at != millis.data() + millis.size()) return {};
  return base::FormatRfc3339(base::WallTime(std::chrono::milliseconds(number)));
}

bool IsJson(std::string_view text) { return json::Document::Parse(text).ok(); }

std::vector<std::string> TextsOf(redis::ReplyView reply) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < reply.Size().value_or(0); ++i)
    texts.emplace_back(reply.At(i).Text().value_or(""));
  return texts;
}

// In the order in which they were made.
std::string BatchesJson(const std::vector<std::string>& batches) {
  std::vector<std::pair<std::string, std::string_view>> ordered;
  for (const std::string& batch : batches) {
    const auto document = json::Document::Parse(batch);
    if (!document || !document->root().is(json::Kind::kObject)) continue;
    const auto created = document->root().Find("created_at");
    const bool told = created && created->is(json::Kind::kString);
    ordered.emplace_back(told ? created->AsString() : std::string_view(), batch);
  }
  std::sort(ordered.begin(), ordered.end());
  json::Writer writer;
  writer.BeginArray();
  for (const auto& [created, batch] : ordered) writer.Raw(batch);
  return writer.EndArray().Take();
}

redis::Request FieldsRequest(std::string_view prefix, const std::string& job_id) {
  redis::Request request{"HMGET", jobs::RecordKey(prefix, job_id)};
  for (const std::string_view field : kListed) {
    if (field != "job_id") request.emplace_back(field);
  }
  return request;
}

}  // namespace

base::Result<RecordReader> RecordReader::Open(const config::Redis& config) {
  if (config.url.empty()) {
    return base::MakeError(base::ErrorKind::kNotFound,
                           "redis.url is not set: without Redis nobody but llmbatchd itself knows "
                           "of its jobs");
  }
  auto address = redis::ParseAddress(config.url);
  if (!address) return address.error();
  if (!config.user.empty()) address->user = config.user;
  if (!config.password.empty()) address->password = config.password;
  constexpr int kNobodyStops = -1;
  auto connection = redis::Connection::Open(*address, {}, kNobodyStops);
  if (!connection) return connection.error();
  return RecordReader(*std::move(connection), "{" + config.name_space + "}:");
}

base::Result<std::vector<redis::OwnedReply>> RecordReader::Ask(
    const std::vector<redis::Request>& requests) {
  auto exchanged = connection_.Exchange(requests);
  if (exchanged.error) return *exchanged.error;
  for (const redis::OwnedReply& reply : exchanged.replies) {
    if (reply.view().IsError()) return redis::ErrorFrom(reply.view(), connection_.server());
  }
  return std::move(exchanged.replies);
}

base::Result<std::optional<RecordFields>> RecordReader::Find(const std::string& job_id,
                                                             Extent extent) {
  auto fields = extent == Extent::kWhole ? FindWhole(job_id) : FindBrief(job_id);
  if (!fields) return fields.error();
  // A cancellation that came before its job is no job.
  if (Field(*fields, "user").empty()) return std::optional<RecordFields>();
  (*fields)["job_id"] = job_id;
  return std::optional(*std::move(fields));
}

base::Result<RecordFields> RecordReader::FindBrief(const std::string& job_id) {
  std::vector<std::string_view> names{"cancel", "event"};
  names.insert(names.end(), kShort.begin(), kShort.end());
  names.insert(names.end(), kTimes.begin(), kTimes.end());
  redis::Request request{"HMGET", jobs::RecordKey(prefix_, job_id)};
  request.insert(request.end(), names.begin(), names.end());
  const auto replies = Ask({request});
  if (!replies) return replies.error();
  std::vector<std::string> texts = TextsOf(replies->front().view());
  RecordFields fields;
  for (std::size_t i = 0; i < std::min(names.size(), texts.size()); ++i)
    fields.emplace(names[i], std::move(texts[i]));
  return fields;
}

base::Result<RecordFields> RecordReader::FindWhole(const std::string& job_id) {
  const auto replies = Ask({{"HGETALL", jobs::RecordKey(prefix_, job_id)},
                            {"HVALS", jobs::BatchesKey(prefix_, job_id)}});
  if (!replies) return replies.error();
  const std::vector<std::string> texts = TextsOf(replies->front().view());
  RecordFields fields;
  for (std::size_t i = 0; i + 1 < texts.size(); i += 2) fields.emplace(texts[i], texts[i + 1]);
  fields.emplace("batches", BatchesJson(TextsOf((*replies)[1].view())));
  for (const std::string name : {"request", "result"}) {
    const auto key = fields.find(name + "_key");
    if (key == fields.end()) continue;
    const auto kept = Ask({{"GET", key->second}});
    if (!kept) return kept.error();
    fields.emplace(name, kept->front().view().Text().value_or(""));
  }
  return fields;
}

base::Result<std::vector<std::string>> RecordReader::Ids(const JobFilter& filter, std::size_t first,
                                                         std::size_t count) {
  std::vector<redis::Request> requests;
  const std::string last = std::to_string(first + count - 1);
  const auto ask = [&](const std::string& key) {
    requests.push_back({"ZREVRANGE", key, std::to_string(first), last});
  };
  if (!filter.user_id.empty()) {
    ask(jobs::UserKey(prefix_, filter.user_id));
  } else if (filter.status) {
    ask(jobs::StatusKey(prefix_, model::ToString(*filter.status)));
  } else {
    for (const model::JobStatus status : kStatuses)
      ask(jobs::StatusKey(prefix_, model::ToString(status)));
  }
  const auto replies = Ask(requests);
  if (!replies) return replies.error();
  std::vector<std::string> ids;
  for (const redis::OwnedReply& reply : *replies) {
    for (std::string& id : TextsOf(reply.view())) ids.push_back(std::move(id));
  }
  return ids;
}

base::Result<std::vector<RecordFields>> RecordReader::List(const JobFilter& filter) {
  std::vector<RecordFields> jobs;
  for (std::size_t first = 0; jobs.size() < filter.max_jobs; first += kIdsAtATime) {
    const auto ids = Ids(filter, first, kIdsAtATime);
    if (!ids) return ids.error();
    if (ids->empty()) break;
    std::vector<redis::Request> requests;
    for (const std::string& id : *ids) requests.push_back(FieldsRequest(prefix_, id));
    const auto replies = Ask(requests);
    if (!replies) return replies.error();
    for (std::size_t i = 0; i < ids->size(); ++i) {
      const std::vector<std::string> texts = TextsOf((*replies)[i].view());
      RecordFields fields{{"job_id", (*ids)[i]}};
      for (std::size_t k = 1; k < kListed.size() && k - 1 < texts.size(); ++k)
        fields.emplace(kListed[k], texts[k - 1]);
      const bool wanted =
          !Field(fields, "user").empty() &&
          (!filter.status || Field(fields, "status") == model::ToString(*filter.status)) &&
          (filter.workflow.empty() || Field(fields, "workflow") == filter.workflow);
      if (wanted) jobs.push_back(std::move(fields));
    }
  }
  if (filter.user_id.empty()) {
    std::stable_sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) {
      return Field(a, "updated") > Field(b, "updated");
    });
  }
  if (jobs.size() > filter.max_jobs) jobs.resize(filter.max_jobs);
  return jobs;
}

base::Result<JobCounts> RecordReader::Count(const std::string& user_id) {
  std::vector<redis::Request> requests;
  for (const model::JobStatus status : kStatuses) {
    const std::string_view name = model::ToString(status);
    requests.push_back({"ZCARD", user_id.empty() ? jobs::StatusKey(prefix_, name)
                                                 : jobs::UserStatusKey(prefix_, user_id, name)});
  }
  const auto replies = Ask(requests);
  if (!replies) return replies.error();
  JobCounts counts;
  for (std::size_t i = 0; i < kStatuses.size(); ++i)
    counts.emplace(model::ToString(kStatuses[i]), (*replies)[i].view().Integer().value_or(0));
  return counts;
}

std::string TableOfJobs(const std::vector<RecordFields>& jobs) {
  std::vector<std::vector<std::string>> rows;
  for (const RecordFields& job : jobs) {
    rows.push_back({Printable(Field(job, "job_id")), Printable(Field(job, "user")),
                    Printable(Field(job, "workflow")), Printable(Field(job, "task")),
                    Printable(Field(job, "status")), Printable(Field(job, "percent")) + " %",
                    TimeText(Field(job, "created"))});
  }
  return Table({"JOB", "USER", "WORKFLOW", "TASK", "STATUS", "DONE", "CREATED"}, rows);
}

std::string TextOf(const RecordFields& job) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    if (!value.empty()) text += std::string(name) + ": " + Printable(value) + "\n";
  };
  for (const std::string_view name : kShort) line(name, std::string(Field(job, name)));
  for (const std::string_view name : kTimes) line(name, TimeText(Field(job, name)));
  line("cancel_requested", Field(job, "cancel").empty() ? "" : "yes");
  const auto event = json::Document::Parse(Field(job, "event"));
  if (!event) return text;
  for (const std::string_view name : {"message", "cost_usd", "waiting_for"}) {
    const auto value = event->root().Find(name);
    if (value && value->is(json::Kind::kString)) line(name, std::string(value->AsString()));
  }
  return text;
}

std::string JsonOf(const RecordFields& job, Extent extent) {
  json::Writer writer;
  writer.BeginObject();
  for (const std::string_view name : kShort) {
    const std::string_view value = Field(job, name);
    if (value.empty()) continue;
    const bool number = name == "priority" || name == "percent" || name == "sequence";
    writer.Key(name == "user" ? "user_id" : name);
    number&& IsJson(value) ? writer.Raw(value) : writer.String(value);
  }
  for (const std::string_view name : kTimes) {
    const std::string time = TimeText(Field(job, name));
    if (!time.empty()) writer.Key(std::string(name) + "_at").String(time);
  }
  if (const std::string_view event = Field(job, "event"); IsJson(event))
    writer.Key("progress").Raw(event);
  if (extent == Extent::kWhole) {
    for (const std::string_view name : {"request", "batches", "result"}) {
      if (const std::string_view value = Field(job, name); IsJson(value))
        writer.Key(name).Raw(value);
    }
  }
  return writer.EndObject().Take();
}

std::string JsonOf(const JobCounts& counts) {
  json::Writer writer;
  writer.BeginObject();
  for (const auto& [status, count] : counts) writer.Key(status).Int(count);
  return writer.EndObject().Take();
}

}  // namespace llmbatch::ctl
