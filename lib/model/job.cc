#include "model/job.h"

namespace llmbatch::model {

std::string_view ToString(JobStatus status) {
  switch (status) {
    case JobStatus::kQueued:
      return "queued";
    case JobStatus::kProcessing:
      return "processing";
    case JobStatus::kCompleted:
      return "completed";
    case JobStatus::kFailed:
      return "failed";
    case JobStatus::kCancelled:
      return "cancelled";
  }
  return "failed";
}

std::optional<JobStatus> ParseJobStatus(std::string_view text) {
  for (const JobStatus status : {JobStatus::kQueued, JobStatus::kProcessing, JobStatus::kCompleted,
                                 JobStatus::kFailed, JobStatus::kCancelled}) {
    if (ToString(status) == text) return status;
  }
  return std::nullopt;
}

bool IsFinal(JobStatus status) {
  return status != JobStatus::kQueued && status != JobStatus::kProcessing;
}

}  // namespace llmbatch::model
