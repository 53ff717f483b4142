#include "pipeline/ratios.h"

#include <cmath>
#include <utility>

namespace llmbatch::pipeline {
namespace {

constexpr base::Duration kInterval = std::chrono::seconds(5);
constexpr base::Duration kTtl = std::chrono::hours(24 * 7);
constexpr auto kOne = static_cast<double>(ports::RatioLesson::kOne);

std::int64_t ToMillionths(double value) { return std::llround(value * kOne); }

}  // namespace

std::optional<ports::ShareRatios> Ratios::Next(const Recipes& recipes, model::RatiosId id,
                                               base::Timestamp now, bool at_once) {
  if (under_way_ || !(learnt_ || unread_) || (now < next_ && (failed_ || !at_once)))
    return std::nullopt;
  learnt_ = unread_ = false;
  next_ = now + kInterval;
  ports::ShareRatios share{.share = id, .lessons = {}, .ttl = kTtl};
  told_.clear();
  for (const auto& [name, recipe] : recipes) {
    for (Lane& lane : recipe->lanes()) {
      const tokens::Lesson lesson = lane.calibration.TakeLesson();
      if (lesson.empty() && read_.contains(lane.ratio_name)) continue;
      share.lessons.push_back({.name = lane.ratio_name,
                               .ratio = ToMillionths(lane.calibration.ratio()),
                               .keep = ToMillionths(lesson.keep),
                               .add = ToMillionths(lesson.add)});
      told_.push_back({.name = lane.ratio_name, .lesson = lesson});
    }
  }
  if (share.lessons.empty()) return std::nullopt;
  under_way_ = id;
  return share;
}

void Ratios::OnShared(const ports::RatiosShared& event, const Recipes& recipes) {
  if (under_way_ != event.share) return;
  under_way_.reset();
  failed_ = !event.ratios.ok();
  const std::vector<Told> told = std::exchange(told_, {});
  if (!event.ratios) {
    learnt_ = unread_ = true;
  } else {
    for (const Told& each : told) read_.insert(each.name);
  }
  std::map<std::string, Lane*> lanes;
  for (const auto& [name, recipe] : recipes) {
    for (Lane& lane : recipe->lanes()) lanes.emplace(lane.ratio_name, &lane);
  }
  for (std::size_t i = 0; i < told.size(); ++i) {
    const auto found = lanes.find(told[i].name);
    if (found == lanes.end()) continue;
    tokens::Calibration& calibration = found->second->calibration;
    if (!event.ratios) {
      calibration.ReturnLesson(told[i].lesson);
    } else if (const auto ratio = i < event.ratios->size() ? (*event.ratios)[i] : std::nullopt) {
      calibration.Adopt(static_cast<double>(*ratio) / kOne);
    }
  }
}

}  // namespace llmbatch::pipeline
