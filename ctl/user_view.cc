#include "ctl/user_view.h"

#include "json/object_reader.h"
#include "json/value.h"
#include "json/writer.h"

namespace llmbatch::ctl {

UserView::UserView(const std::string& user_id)
    : user_id_(user_id), quoted_id_(json::Quote(user_id)) {}

const JobView* UserView::Apply(const ports::Record& record) {
  for (auto& [id, view] : jobs_) {
    if (view.Apply(record) != JobView::Change::kNone) return &view;
  }
  const std::string job_id = JobOf(record);
  if (job_id.empty() || jobs_.size() >= kMaxJobs) return nullptr;
  JobView& view = jobs_.try_emplace(job_id, job_id).first->second;
  view.Apply(record);
  return &view;
}

std::string UserView::JobOf(const ports::Record& record) const {
  // Most records are of others, and large.
  if (!record.value || record.value->find(quoted_id_) == std::string::npos) return {};
  const auto document = ReadMessage(*record.value);
  if (!document) return {};
  json::ObjectReader reader(document->root(), "");
  const std::string kind = reader.OptionalString("kind").value_or("");
  if (kind != "progress" && kind != "job_result") return {};
  if (reader.OptionalString("user_id") != user_id_) return {};
  return reader.OptionalString("job_id").value_or("");
}

std::vector<const JobView*> UserView::Jobs() const {
  std::vector<const JobView*> jobs;
  for (const auto& [id, view] : jobs_) jobs.push_back(&view);
  return jobs;
}

}  // namespace llmbatch::ctl
