// Decides what happens to a request that is within the limits: one-shot steps first, then rules,
// then chance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "twin/behaviour.h"
#include "twin/items.h"

namespace llmbatch::twin {

struct Plan {
  Fault fault;
  // The items (by index) that a fault of kMissing, kDuplicated, kSwapped or kMerged (two of them)
  // is about.
  std::vector<std::size_t> targets;
  base::Duration latency{};
  std::optional<double> retry_after_seconds;
  std::optional<std::string> answer;
};

// One thread. What happens by chance follows from the seed, the items, and how often these were
// asked together: not from what else is asked, or in which order, of the items or of the requests.
class Planner {
 public:
  explicit Planner(Behaviour behaviour);

  Plan Next(std::string_view prompt, const std::vector<Item>& items);
  const Behaviour& behaviour() const { return behaviour_; }

 private:
  // The step for this request and the text that it was matched by.
  struct Chosen {
    Step step;
    std::string text;
  };
  // `items` by their keys.
  Plan NextInOrder(std::string_view prompt, const std::vector<Item>& items);
  base::Rng ChanceFor(std::string_view prompt, const std::vector<Item>& items);
  std::optional<Chosen> TakeStep(std::string_view prompt, const std::vector<Item>& items);
  Plan PlanByChance(const std::vector<Item>& items);
  std::vector<std::size_t> PickTargets(FaultKind kind, const std::vector<Item>& items,
                                       std::string_view text);

  Behaviour behaviour_;
  base::Rng rng_;                                                 // of the request that is planned
  std::unordered_map<std::uint64_t, std::uint64_t> times_asked_;  // by the question's hash
  std::deque<Step> next_;
};

}  // namespace llmbatch::twin
