#include "admission/permit_keeper.h"

#include <algorithm>

#include "base/check.h"

namespace llmbatch::admission {
namespace {

// Nothing is begun in the last fifth of a lease: the coordinator may count it as over a little
// earlier than we do.
constexpr int kSafePercentOfLease = 80;
constexpr int kHeartbeatsPerLease = 4;
// Long enough to hand a permit from one call to the next, short enough not to keep it from others.
constexpr base::Duration kIdleReturn = std::chrono::milliseconds(250);
constexpr base::Duration kFirstRetry = std::chrono::milliseconds(20);
constexpr base::Duration kLongestRetry = std::chrono::milliseconds(500);
// Between two reports of answers; as often as a limit may be raised.
constexpr base::Duration kBetweenReports = std::chrono::milliseconds(400);

}  // namespace

std::int64_t PermitKeeper::Class::Idle() const {
  return std::max<std::int64_t>(0, held() - in_use);
}

PermitKeeper::PermitKeeper(PermitOptions options) : options_(options) {
  SetLimit(kPoolOfAll, options.limit);
  ClassOf({});
}

std::size_t PermitKeeper::PlaceOf(std::string_view pool) const {
  const auto found = pool_places_.find(pool);
  LLMBATCH_CHECK(found != pool_places_.end());
  return found->second;
}

PermitKeeper::ClassId PermitKeeper::ClassOf(const std::vector<std::string>& pools,
                                            std::int64_t weight) {
  std::vector<std::size_t> places{0};
  for (const std::string& pool : pools) places.push_back(PlaceOf(pool));
  std::sort(places.begin(), places.end());
  for (ClassId id = 0; id < classes_.size(); ++id) {
    if (classes_[id].pools == places && classes_[id].weight == weight) return id;
  }
  classes_.emplace_back();
  classes_.back().pools = std::move(places);
  classes_.back().weight = weight;
  return classes_.size() - 1;
}

void PermitKeeper::SetWanted(const std::map<ClassId, Wish>& wishes) {
  for (Class& each : classes_) each.wish = {};
  for (const auto& [id, wish] : wishes) classes_.at(id).wish = wish;
}

void PermitKeeper::SetLimit(std::string_view pool, std::int64_t limit) {
  const auto [found, added] = pool_places_.try_emplace(std::string(pool), pools_.size());
  if (added) pools_.push_back({.name = std::string(pool)});
  pools_[found->second].limit = limit;
}

void PermitKeeper::SetAdaptive(std::string_view pool, ports::AdaptiveBounds bounds) {
  if (!HasPool(pool)) SetLimit(pool, bounds.least);
  Pool& known = pools_[PlaceOf(pool)];
  if (known.watch) {
    known.watch->SetBounds(bounds);
  } else {
    known.watch.emplace(bounds);
  }
}

std::vector<AdaptiveWatch*> PermitKeeper::WatchesOf(ClassId id) {
  std::vector<AdaptiveWatch*> watches;
  for (const std::size_t place : classes_.at(id).pools) {
    if (auto& watch = pools_[place].watch) watches.push_back(&*watch);
  }
  return watches;
}

std::int64_t PermitKeeper::LimitVersion(ClassId id) const {
  // A call goes to one model, and models alone have such limits.
  for (const std::size_t place : classes_.at(id).pools) {
    if (const auto& watch = pools_[place].watch) return watch->version();
  }
  return 0;
}

void PermitKeeper::OnAnswered(ClassId id, base::Duration took,
                              std::optional<std::int64_t> output_tokens, base::Timestamp now) {
  for (AdaptiveWatch* watch : WatchesOf(id)) watch->OnAnswered(took, output_tokens, now);
}

void PermitKeeper::OnRefused(ClassId id, std::int64_t version, base::Timestamp started,
                             base::Timestamp held_until) {
  for (AdaptiveWatch* watch : WatchesOf(id)) watch->OnRefused(version, started, held_until);
}

std::int64_t PermitKeeper::in_use() const {
  std::int64_t calls = 0;
  for (const Class& each : classes_) calls += each.in_use;
  return calls;
}

std::int64_t PermitKeeper::held() const {
  std::int64_t calls = 0;
  for (const Class& each : classes_) calls += each.held();
  return calls;
}

std::int64_t PermitKeeper::wanted() const {
  std::int64_t calls = 0;
  for (const Class& each : classes_) calls += each.wish.calls;
  return calls;
}

std::int64_t PermitKeeper::InUseOf(std::size_t pool) const {
  std::int64_t permits = 0;
  for (const Class& each : classes_) {
    if (std::binary_search(each.pools.begin(), each.pools.end(), pool)) {
      permits += each.in_use * each.weight;
    }
  }
  return permits;
}

std::vector<PermitKeeper::PoolStatus> PermitKeeper::Pools() const {
  std::vector<PoolStatus> status;
  for (std::size_t place = 0; place < pools_.size(); ++place) {
    const Pool& pool = pools_[place];
    status.push_back({.name = pool.name,
                      .limit = pool.limit,
                      .used = answered_ ? pool.used : InUseOf(place),
                      .change = {}});
    if (pool.watch) status.back().change = pool.watch->change();
    for (const Class& each : classes_) {
      if (std::binary_search(each.pools.begin(), each.pools.end(), place)) {
        status.back().held += each.held() * each.weight;
        status.back().waiting += each.wish.calls;
      }
    }
  }
  return status;
}

std::string_view PermitKeeper::FullPoolOf(ClassId id) const {
  const Class& each = classes_.at(id);
  // The narrowest one says most.
  for (auto place = each.pools.rbegin(); place != each.pools.rend(); ++place) {
    const Pool& pool = pools_[*place];
    if (pool.used + each.weight > pool.limit) return pool.name;
  }
  return kPoolOfAll;
}

std::int64_t PermitKeeper::Missing(const Class& each) const {
  return closed_ ? 0 : std::max<std::int64_t>(0, each.wish.calls - each.Idle());
}

std::int64_t PermitKeeper::ShareOf(const Pool& pool) const {
  if (!answered_) return 0;
  return pool.limit / live_ + (rank_ < pool.limit % live_ ? 1 : 0);
}

bool PermitKeeper::LeaseIsSafe(base::Timestamp now) const {
  return answered_ && now < lease_from_ + options_.lease * kSafePercentOfLease / 100;
}

bool PermitKeeper::MayTakeWhileAway(const Class& each, base::Timestamp now) const {
  // After a whole lease without an answer every other replica that is cut off has come down to its
  // share as well, and the shares don't add up to more than the limit.
  if (!cut_off_since_ || (answered_ && now < *cut_off_since_ + options_.lease)) return false;
  if (options_.when_away == WhenAway::kClosed) return false;
  if (options_.when_away == WhenAway::kLocal) return InUseOf(0) < options_.local_limit;
  return std::all_of(each.pools.begin(), each.pools.end(), [&](std::size_t place) {
    return InUseOf(place) + each.weight <= ShareOf(pools_[place]);
  });
}

bool PermitKeeper::MayTake(ClassId id, base::Timestamp now) const {
  if (closed_) return false;
  const Class& each = classes_.at(id);
  return LeaseIsSafe(now) ? each.in_use < each.held() : MayTakeWhileAway(each, now);
}

bool PermitKeeper::TryTake(ClassId id, base::Timestamp now) {
  if (!MayTake(id, now)) return false;
  Class& each = classes_[id];
  ++each.in_use;
  if (each.Idle() == 0) each.idle_since.reset();
  return true;
}

bool PermitKeeper::IsOverfull(const Class& each) const {
  return answered_ && std::any_of(each.pools.begin(), each.pools.end(), [this](std::size_t place) {
           return pools_[place].used > pools_[place].limit;
         });
}

bool PermitKeeper::OthersNeedPermitsOf(const Class& each) const {
  if (!answered_) return false;
  if (IsOverfull(each)) return true;
  // What is given back while nothing is granted serves nobody.
  if (learning_ && held() <= ShareOf(pools_.front())) return false;
  return each.others_waiting > 0;
}

bool PermitKeeper::StandsInTheWay(const Class& each) const {
  if (each.wish.calls > 0) return false;
  return std::any_of(classes_.begin(), classes_.end(),
                     [&](const Class& other) { return &other != &each && Missing(other) > 0; });
}

void PermitKeeper::GiveBack(ClassId id, base::Timestamp now) {
  Class& each = classes_.at(id);
  LLMBATCH_CHECK(each.in_use > 0);
  --each.in_use;
  if (each.in_use >= each.held()) return;  // it was taken while cut off, beyond what is held
  if (OthersNeedPermitsOf(each) || closed_) {
    ++each.released;
  } else if (!each.idle_since) {
    each.idle_since = now;
  }
}

std::optional<base::Timestamp> PermitKeeper::IdleUntil(const Class& each) const {
  if (!each.idle_since) return std::nullopt;
  if (IsOverfull(each)) return each.idle_since;
  if (each.wish.calls > 0) return std::nullopt;
  return StandsInTheWay(each) ? *each.idle_since : *each.idle_since + kIdleReturn;
}

void PermitKeeper::ReturnIdle(base::Timestamp now) {
  for (Class& each : classes_) {
    const auto until = IdleUntil(each);
    if (!closed_ && !(until && now >= *until)) continue;
    each.released += each.Idle();
    each.idle_since.reset();
  }
}

bool PermitKeeper::NeedsLease() const {
  if (keep_lease_ && !closed_) return true;
  return std::any_of(classes_.begin(), classes_.end(), [this](const Class& each) {
    return each.held() > 0 || Missing(each) > 0 || each.in_use > 0;
  });
}

bool PermitKeeper::HasNews() const {
  // Wanting a little less can wait: what is granted too much is given back. So can wanting a little
  // more while not all is granted: more is told when some of it is.
  const bool wishes = std::any_of(classes_.begin(), classes_.end(), [this](const Class& each) {
    const std::int64_t missing = Missing(each);
    // What is asked while nothing is granted has to be asked again.
    return each.released != each.told_released || 2 * missing > 3 * each.told_want ||
           (learning_ && missing > 0) || (missing == 0 && each.told_want > 0) ||
           (missing > 0 && each.wish.priority > each.told_priority);
  });
  return wishes || std::any_of(pools_.begin(), pools_.end(), [](const Pool& pool) {
           if (pool.watch) return pool.watch->IsUrgent();
           return pool.told_limit != 0 && pool.told_limit != pool.limit;
         });
}

bool PermitKeeper::IsAdaptive(const Class& each) const {
  return std::any_of(each.pools.begin(), each.pools.end(),
                     [this](std::size_t place) { return pools_[place].watch.has_value(); });
}

bool PermitKeeper::MayRaise(const Class& each) const {
  return Missing(each) > 0 && std::any_of(each.pools.begin(), each.pools.end(), [&](auto place) {
           const Pool& pool = pools_[place];
           return pool.watch && pool.watch->HasAnswers() && pool.used + each.weight > pool.limit;
         });
}

bool PermitKeeper::SyncDue(base::Timestamp now) const {
  if (sync_under_way_ || now < retry_at_) return false;
  if (HasNews()) return true;
  for (const Class& each : classes_) {
    if (offered_ && (Missing(each) > 0 || (each.held() > 0 && IsAdaptive(each)))) return true;
    if (now >= sync_sent_ + kBetweenReports && MayRaise(each)) return true;
    const auto until = IdleUntil(each);
    if (until && now >= *until) return true;
  }
  return NeedsLease() && now >= sync_sent_ + options_.lease / kHeartbeatsPerLease;
}

std::optional<ports::SyncPermits> PermitKeeper::NextSync(model::SyncId id, base::Timestamp now) {
  if (!sync_under_way_) ReturnIdle(now);
  if (!SyncDue(now)) return std::nullopt;
  sync_under_way_ = true;
  sync_sent_ = now;
  offered_ = false;
  ports::SyncPermits sync{.sync = id,
                          .pools = {},
                          .demands = {},
                          .lease = options_.lease,
                          .users = users_,
                          .relearn = cut_off_since_ && answered_ && !LeaseIsSafe(now)};
  for (Pool& pool : pools_) {
    pool.told_limit = pool.limit;
    sync.pools.push_back({.name = pool.name, .limit = pool.limit, .adaptive = {}});
    if (pool.watch) sync.pools.back().adaptive = pool.watch->Report(now);
  }
  for (Class& each : classes_) {
    each.told_released = each.released;
    each.told_want = Missing(each);
    each.told_priority = each.wish.priority;
    // Calls begun while the coordinator was away may be more than it granted: they are registered
    // with it.
    each.granted = std::max(each.granted, each.released + each.in_use);
    sync.demands.push_back({.pools = each.pools,
                            .weight = each.weight,
                            .granted_known = each.granted,
                            .released_total = each.released,
                            .want = each.told_want,
                            .priority = each.told_priority});
  }
  sent_classes_ = classes_.size();
  sent_pools_ = pools_.size();
  return sync;
}

void PermitKeeper::OnSynced(const ports::PermitsSynced& event, base::Timestamp now) {
  sync_under_way_ = false;
  if (!event.outcome) {
    if (!cut_off_since_) cut_off_since_ = now;
    for (Class& each : classes_) {
      each.told_want = 0;
      each.told_released = -1;  // the next sync tells everything again
    }
    // One that was lost alone is repeated at once.
    retry_at_ = now + retry_delay_;
    retry_delay_ = std::clamp(2 * retry_delay_, kFirstRetry, kLongestRetry);
    return;
  }
  const ports::PermitState& state = *event.outcome;
  LLMBATCH_CHECK(state.grants.size() == sent_classes_ && state.used.size() == sent_pools_);
  cut_off_since_.reset();
  retry_delay_ = {};
  answered_ = true;
  lease_from_ = sync_sent_;
  live_ = std::max<std::int64_t>(1, state.live_replicas);
  rank_ = state.rank;
  learning_ = state.learning_left > base::Duration::zero();
  auto told = state.adaptive.begin();
  for (std::size_t i = 0; i < sent_pools_; ++i) {
    Pool& pool = pools_[i];
    pool.used = state.used[i];
    if (!pool.watch || told == state.adaptive.end()) continue;
    pool.limit = told->limit;
    pool.watch->OnTold(*told++, now);
  }
  for (std::size_t i = 0; i < sent_classes_; ++i) {
    Class& each = classes_[i];
    const ports::PermitGrant& grant = state.grants[i];
    each.told_want =
        std::max<std::int64_t>(0, each.told_want - (grant.granted_total - each.granted));
    each.granted = std::max(each.granted, grant.granted_total);
    each.others_waiting = grant.others_waiting;
    if (each.Idle() > 0 && !each.idle_since) each.idle_since = now;
  }
  // Not silent for longer than a heartbeat, or the lease would end.
  retry_at_ = now + std::min(state.learning_left, options_.lease / kHeartbeatsPerLease);
}

std::optional<base::Timestamp> PermitKeeper::Deadline() const {
  if (sync_under_way_) return std::nullopt;
  const bool news = HasNews();
  if (!NeedsLease() && !news) return std::nullopt;
  base::Timestamp deadline = sync_sent_ + options_.lease / kHeartbeatsPerLease;
  for (const Class& each : classes_) {
    if (const auto until = IdleUntil(each)) deadline = std::min(deadline, *until);
    if (MayRaise(each)) deadline = std::min(deadline, sync_sent_ + kBetweenReports);
  }
  if (news) deadline = std::min(deadline, retry_at_);
  return std::max(deadline, retry_at_);
}

}  // namespace llmbatch::admission
