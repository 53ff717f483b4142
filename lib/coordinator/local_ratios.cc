#include "coordinator/local_ratios.h"

namespace llmbatch::coordinator {

std::vector<std::optional<std::int64_t>> LocalRatios::Share(const ports::ShareRatios& command) {
  constexpr std::int64_t kOne = ports::RatioLesson::kOne;
  std::vector<std::optional<std::int64_t>> told;
  for (const ports::RatioLesson& lesson : command.lessons) {
    auto found = ratios_.find(lesson.name);
    if (lesson.keep < kOne) {
      if (found == ratios_.end()) {
        found = ratios_.emplace(lesson.name, lesson.ratio).first;
      } else {
        found->second = (found->second * lesson.keep + kOne / 2) / kOne + lesson.add;
      }
    }
    told.push_back(found == ratios_.end() ? std::nullopt : std::optional(found->second));
  }
  return told;
}

}  // namespace llmbatch::coordinator
