#include "config/reload.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "config/values.h"

namespace llmbatch::config {
namespace {

using Key = std::pair<std::string, std::string>;  // section and key
using Values = std::map<Key, const ConfigValue*>;

// Where a provider is and how its door is opened: read once, by the driver that calls it.
constexpr std::array<std::string_view, 8> kEndpointKeys{
    "api",           "base_url", "api_key", "api_key_header",
    "allow_private", "ca_file",  "proxy",   "connect_timeout"};

Values ByKey(const LoadOutcome& outcome) {
  Values values;
  for (const ConfigValue& value : outcome.values) values[{value.section, value.key}] = &value;
  return values;
}

bool IsIn(std::string_view section, std::string_view table) {
  return section == table ||
         (section.starts_with(table) && section.substr(table.size()).starts_with('.'));
}

std::string Dotted(const Key& key) {
  return key.first.empty() ? key.second : key.first + "." + key.second;
}

class Planner {
 public:
  Planner(const LoadOutcome& running, const LoadOutcome& changed)
      : running_(running),
        changed_(changed),
        values_before_(ByKey(running)),
        values_now_(ByKey(changed)) {}

  ReloadPlan Plan() {
    CompareValues();
    CompareSecrets();
    CheckBindings();
    CheckTopics();
    CheckLimits();
    auto catalog = std::make_shared<model::Catalog>(*changed_.config->catalog);
    MergeProviders(*catalog);
    if (!plan_.problems.empty()) return std::move(plan_);
    plan_.catalog = std::move(catalog);
    plan_.limits = changed_.config->limits;
    return std::move(plan_);
  }

 private:
  // The provider that a section is about, if it runs; nullptr otherwise.
  const std::string* RunningProvider(std::string_view section) const {
    for (const auto& [name, provider] : running_.config->providers) {
      if (section == "providers." + name || section == "providers.\"" + name + '"') return &name;
    }
    return nullptr;
  }

  void CompareValues() {
    std::set<Key> keys;
    for (const auto& [key, value] : values_before_) keys.insert(key);
    for (const auto& [key, value] : values_now_) keys.insert(key);
    for (const Key& key : keys) {
      const auto before = values_before_.find(key);
      const auto now = values_now_.find(key);
      const bool is_same = before != values_before_.end() && now != values_now_.end() &&
                           before->second->value == now->second->value;
      if (!is_same) OnChanged(key);
    }
  }

  void OnChanged(const Key& key) {
    const std::string& section = key.first;
    if (key == Key{"limits", "on_redis_down"})
      return Wait(key, "has changed; that takes a restart");
    for (const std::string_view live : {"tasks", "models", "routes", "limits", "users"}) {
      if (IsIn(section, live)) return;
    }
    if (key.second == "rank_file") return Wait(key, "has changed; that takes a restart");
    if (section.empty()) return;  // which files there are: what they say is compared
    if (IsIn(section, "providers")) {
      const std::string* provider = RunningProvider(section);
      const bool is_endpoint =
          std::find(kEndpointKeys.begin(), kEndpointKeys.end(), key.second) != kEndpointKeys.end();
      if (provider == nullptr || !is_endpoint) return;              // a new one: see MergeProviders
      if (!changed_.config->providers.contains(*provider)) return;  // it has gone
      moved_providers_.insert(*provider);
    }
    Wait(key, "has changed; that takes a restart");
  }

  void CompareSecrets() {
    const Config& before = *running_.config;
    const Config& now = *changed_.config;
    const auto compare = [this](const base::Secret& old_secret, const base::Secret& secret,
                                const Key& key) {
      if (old_secret.Reveal() != secret.Reveal())
        Wait(key, "refers to another secret now; that takes a restart");
    };
    compare(before.redis.password, now.redis.password, {"redis", "password"});
    compare(before.redis.ledger_secret, now.redis.ledger_secret, {"redis", "ledger_secret"});
    for (const auto& [name, provider] : now.providers) {
      const auto old_provider = before.providers.find(name);
      if (old_provider == before.providers.end()) continue;
      compare(old_provider->second.api_key, provider.api_key, {"providers." + name, "api_key"});
    }
    for (const auto& [name, secret] : now.kafka.secret_properties) {
      const auto old_secret = before.kafka.secret_properties.find(name);
      if (old_secret == before.kafka.secret_properties.end()) continue;
      compare(old_secret->second, secret, {"kafka.properties", name});
    }
  }

  // Topics stay bound to the task that they were bound to at the start.
  void CheckBindings() {
    for (const Binding& binding : running_.config->kafka.bindings) {
      if (changed_.config->catalog->tasks.contains(binding.task)) continue;
      Refuse({"tasks", binding.task},
             "is gone, and the topic " + binding.topic +
                 " is bound to it until a restart; keep the task, or restart");
    }
  }

  // The topics that are read are those of the start.
  void CheckTopics() {
    for (const auto& [name, task] : changed_.config->catalog->tasks) {
      if (!ReadsTopic(running_.config->kafka, task->results_topic)) continue;
      Refuse({"tasks." + name, "results"},
             "is one of the topics that are read until a restart; it must be another one");
    }
  }

  void CheckLimits() {
    const std::int64_t largest = running_.config->kafka.max_message_bytes;
    if (changed_.config->limits.max_pending_bytes >= largest) return;
    Refuse({"limits", "max_pending_bytes"},
           "must be at least the kafka.max_message_bytes of the start (" + ToText(largest) + ")");
  }

  void CheckRoute(const std::vector<model::RouteEntry>& route, const Key& key,
                  const model::Catalog& catalog) {
    for (const model::RouteEntry& entry : route) {
      const auto runs = running_.config->providers.find(entry.provider);
      if (runs == running_.config->providers.end()) {
        Refuse(key,
               "names the provider \"" + entry.provider + "\", which is new: it takes a restart");
      } else if (runs->second.provider.api != catalog.providers.at(entry.provider).api) {
        // Its tasks' parameters are those of the other format.
        Refuse({"providers." + entry.provider, "api"}, "has changed; that takes a restart");
      }
    }
  }

  void MergeProviders(model::Catalog& catalog) {
    for (const auto& [name, task] : catalog.tasks)
      CheckRoute(task->route, {"tasks." + name, "route"}, catalog);
    for (const auto& [name, route] : catalog.routes)
      CheckRoute(route, {"routes." + name, "models"}, catalog);
    for (auto& [name, provider] : catalog.providers) {
      if (moved_providers_.contains(name)) provider = running_.config->providers.at(name).provider;
    }
  }

  ConfigProblem About(const Key& key, std::string what) const {
    const auto now = values_now_.find(key);
    std::string source = now == values_now_.end() ? std::string() : now->second->source;
    return {.file = std::move(source), .line = 0, .key = Dotted(key), .what = std::move(what)};
  }
  void Wait(const Key& key, std::string what) {
    ConfigProblem problem = About(key, std::move(what));
    const auto is_same = [&](const ConfigProblem& other) { return other.key == problem.key; };
    // A reference and what it refers to may both be other ones.
    if (std::none_of(plan_.waiting.begin(), plan_.waiting.end(), is_same))
      plan_.waiting.push_back(std::move(problem));
  }
  void Refuse(const Key& key, std::string what) {
    ConfigProblem problem = About(key, std::move(what));
    const auto found = std::find(plan_.problems.begin(), plan_.problems.end(), problem);
    if (found == plan_.problems.end()) plan_.problems.push_back(std::move(problem));
  }

  const LoadOutcome& running_;
  const LoadOutcome& changed_;
  const Values values_before_;
  const Values values_now_;
  std::set<std::string> moved_providers_;
  ReloadPlan plan_;
};

}  // namespace

ReloadPlan PlanReload(const LoadOutcome& running, const LoadOutcome& changed) {
  LLMBATCH_CHECK(running.config && changed.config);
  return Planner(running, changed).Plan();
}

}  // namespace llmbatch::config
