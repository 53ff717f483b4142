// Calls, sixth part: the pools that a call needs permits of.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/calls.h"

namespace llmbatch::pipeline {
namespace {

std::string PoolOfProvider(const std::string& name) { return "provider:" + name; }
std::string PoolOfTask(const std::string& name) { return "task:" + name; }

// Models are named as providers like; pools are not.
std::string PoolOfModel(const model::RouteEntry& route) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name = "model:";
  for (const char c : route.provider + "/" + route.model) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("._-:/").find(c) != std::string_view::npos;
    if (plain) {
      name += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      name += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return name;
}

}  // namespace

void Calls::SetPools(const model::Catalog& catalog, std::int64_t permits) {
  permits_.SetLimit(admission::kPoolOfAll, permits);
  pools_.clear();
  call_weights_.clear();
  const auto add = [this](const std::string& pool, std::int64_t limit) {
    permits_.SetLimit(pool, limit);
    pools_.insert_or_assign(pool, limit);
  };
  for (const auto& [name, provider] : catalog.providers) {
    const std::string pool = PoolOfProvider(name);
    // One that can't be used up before the one of all would only cost. But others may go by another
    // configuration for a while, so one that was needed stays.
    if (provider.concurrency < permits || permits_.HasPool(pool)) add(pool, provider.concurrency);
  }
  for (const auto& [route, model] : catalog.models) {
    const auto provider = catalog.providers.find(route.provider);
    auto range = model.adaptive;
    if (!range && provider != catalog.providers.end()) range = provider->second.adaptive;
    if (!range) continue;
    const std::string pool = PoolOfModel(route);
    permits_.SetAdaptive(pool, {.least = range->min, .most = range->max});
    pools_.insert_or_assign(pool, range->min);
  }
  for (const auto& [name, task] : catalog.tasks) {
    if (task->concurrency > 0) add(PoolOfTask(name), task->concurrency);
    // More than there are would wait for ever.
    const std::int64_t weight = std::min(task->permits, permits);
    if (weight > 1) call_weights_.emplace(name, weight);
  }
}

CallQueue::PermitClass Calls::PermitClassOf(const Call& call) {
  const std::string& task = call.recipe->task().name;
  const model::RouteEntry& route = LaneOf(call).route;
  const auto found = call_weights_.find(task);
  std::int64_t weight = found == call_weights_.end() ? 1 : found->second;
  std::vector<std::string> pools;
  for (const std::string& name :
       {PoolOfProvider(route.provider), PoolOfModel(route), PoolOfTask(task)}) {
    const auto pool = pools_.find(name);
    if (pool == pools_.end()) continue;
    pools.push_back(name);
    weight = std::min(weight, pool->second);
  }
  return permits_.ClassOf(pools, weight);
}

void Calls::OnOptions(base::Timestamp now) {
  queue_.SetProviders(options_.catalog->providers);
  charging_.OnOptions();
  SetPools(*options_.catalog, options_.permits.limit);
  std::vector<Call*> limited;
  for (auto& [id, call] : calls_) {
    if (call.state == CallState::kWaitingForLimit) {
      limits_.Remove(id);
      limited.push_back(&call);
    }
    if (call.state != CallState::kWaitingForPermit) continue;
    queue_.Remove(call);
    call.permit_class = PermitClassOf(call);
    queue_.Push(call);
  }
  for (Call* const call : limited) WaitForLimits(*call, now);
}

void Calls::TellLimit(const Call& call, const providers::Completion& completion, base::Now now) {
  std::optional<std::int64_t> output_tokens;
  if (completion.usage) output_tokens = completion.usage->output_tokens;
  permits_.OnAnswered(call.permit_class, now.steady - call.started, output_tokens, now.steady);
}

}  // namespace llmbatch::pipeline
