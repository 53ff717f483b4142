#include "pipeline/degradations.h"

namespace llmbatch::pipeline {
namespace {

// Longer than what is in use goes untried: what fails while other things are answered stays told.
constexpr base::Duration kUntried = std::chrono::seconds(10);

}  // namespace

bool Degradations::OnAsked(std::string_view part, bool answered, base::Timestamp now) {
  const auto found = failed_at_.find(part);
  const bool was_degraded = found != failed_at_.end();
  if (answered) {
    if (was_degraded) failed_at_.erase(found);
    return was_degraded;
  }
  failed_at_.insert_or_assign(std::string(part), now);
  return !was_degraded;
}

std::vector<std::string> Degradations::OnAnswers(base::Timestamp now) {
  std::vector<std::string> sound;
  for (const auto& [part, failed_at] : failed_at_) {
    if (now >= failed_at + kUntried) sound.push_back(part);
  }
  for (const std::string& part : sound) failed_at_.erase(part);
  return sound;
}

std::vector<std::string> Degradations::Parts() const {
  std::vector<std::string> parts;
  for (const auto& [part, failed_at] : failed_at_) parts.push_back(part);
  return parts;
}

}  // namespace llmbatch::pipeline
