// SimProvider: an OpenAI-compatible provider that answers, fails and garbles by seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "sim/clock.h"
#include "sim/plan.h"

namespace llmbatch::sim {

// Items are JSON objects {"key": …, "text": …}; a text that begins with kPoison makes it refuse the
// whole batch.
inline constexpr const char* kPoison = "poison";

class SimProvider {
 public:
  using Deliver = std::function<void(int replica, ports::Event event)>;

  SimProvider(const Plan& plan, Schedule& schedule, base::Rng& rng, Deliver deliver)
      : plan_(plan), schedule_(schedule), rng_(rng), deliver_(std::move(deliver)) {}

  void Execute(int replica, ports::Command& command);
  // The replica's connections break; its calls end unheard.
  void Vanish(int replica);

  std::int64_t in_flight() const { return in_flight_; }
  std::int64_t InFlightOf(int replica) const;
  std::int64_t highest_items() const { return highest_items_; }
  std::int64_t highest_tokens() const { return highest_tokens_; }
  // How often each item was answered well, by key.
  const std::map<std::string, int>& answered() const { return answered_; }
  bool had_faults() const { return had_faults_; }

 private:
  struct Item {
    std::string nonce;
    std::string key;
    std::string text;
  };

  void Start(int replica, ports::StartCall& command);
  ports::HttpOutcome Respond(const std::string& body, std::vector<std::string>& answered_keys);
  ports::HttpOutcome Fail();
  std::string Answer(const std::vector<Item>& items, std::vector<std::string>& answered_keys,
                     bool& cut_off);
  void End(int replica, model::CallId call, ports::HttpOutcome outcome,
           const std::vector<std::string>& keys);

  const Plan& plan_;
  Schedule& schedule_;
  base::Rng& rng_;
  Deliver deliver_;
  std::set<std::pair<int, model::CallId>> running_;
  std::int64_t in_flight_ = 0;
  std::int64_t highest_items_ = 0;
  std::int64_t highest_tokens_ = 0;
  std::map<std::string, int> answered_;
  bool had_faults_ = false;
};

}  // namespace llmbatch::sim
