// SimProvider: an OpenAI-compatible provider that answers, fails and garbles by seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "json/value.h"
#include "json/writer.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "sim/clock.h"
#include "sim/plan.h"
#include "sim/rate_judge.h"

namespace llmbatch::sim {

// Items are JSON objects {"key": …, "text": …}; a text that begins with kPoison makes it refuse the
// whole batch.
inline constexpr const char* kPoison = "poison";
// Several items have the same key of this kind, and the same text.
inline constexpr const char* kPopularKey = "popular";
// How often a whole document whose id begins with this was asked about is counted.
inline constexpr const char* kCounted = "doc-";

class SimProvider {
 public:
  using Deliver = std::function<void(int replica, ports::Event event)>;

  SimProvider(const Plan& plan, Schedule& schedule, base::Rng& rng, Deliver deliver)
      : plan_(plan), schedule_(schedule), rng_(rng), deliver_(std::move(deliver)) {}

  void Execute(int replica, ports::Command& command);
  // The replica's connections break; its calls end unheard.
  void Vanish(int replica);

  std::int64_t in_flight() const { return in_flight_; }
  std::int64_t calls_started() const { return calls_started_; }
  std::int64_t InFlightOf(int replica) const;
  // Calls to a provider, or of a task ("task:NAME"), without those of some replicas.
  std::map<std::string, std::int64_t> InFlightByPool(const std::set<int>& but_of) const;
  std::int64_t highest_items() const { return highest_items_; }
  std::int64_t highest_tokens() const { return highest_tokens_; }
  // A batch was larger than its model's context.
  bool context_passed() const { return context_passed_; }
  // How often each item was answered well, by key.
  const std::map<std::string, int>& answered() const { return answered_; }
  bool had_faults() const { return had_faults_; }
  // What all answers were charged with, in nano-dollars.
  std::int64_t billed() const { return billed_; }
  // An item was asked of another route than its job chose.
  bool route_broken() const { return route_broken_; }
  // An answer to the first item of a record of that name was cut off, whether or not it said
  // so.
  bool was_cut_off(const std::string& name) const { return cut_off_.contains(name); }
  // A rate that a provider or model has was passed by more than calls that were booked for it.
  bool rate_passed() const { return rate_passed_; }
  // A call came although the provider had asked all to stay away, long enough ago to be known.
  bool hold_broken() const { return hold_broken_; }

 private:
  struct Item {
    std::string nonce;
    std::string key;  // empty: the names of a job's classifications, which no one counts
    std::string text;
    std::string_view member = "label";  // of the answer
    std::int64_t first_unit = 0;        // of a chain
    std::int64_t last_unit = 0;
  };

  static Item AboutDocuments(json::Value input, const std::string& nonce);
  // Of the record that it came in.
  static std::string NameOf(const Item& item);
  static Item AboutUnits(json::Value input, const std::string& nonce);
  void WriteUnits(json::Writer& writer, const Item& item);
  void Start(int replica, ports::StartCall& command);
  std::string ModelOf(const std::string& provider) const;
  void NoteHold(const std::string& provider, const ports::HttpOutcome& outcome);
  void Bill(const model::RouteEntry& route, std::int64_t input_tokens, std::int64_t output_tokens);
  void Judge(const std::string& scope, const model::RateLimits& rates, std::int64_t tokens);
  ports::HttpOutcome Respond(const std::string& provider, const std::string& body,
                             std::vector<std::string>& answered_keys);
  ports::HttpOutcome Fail();
  std::string Answer(const std::vector<Item>& items, std::vector<std::string>& answered_keys,
                     bool& cut_off);
  void End(int replica, model::CallId call, ports::HttpOutcome outcome,
           const std::vector<std::string>& keys);

  const Plan& plan_;
  Schedule& schedule_;
  base::Rng& rng_;
  Deliver deliver_;
  std::map<std::pair<int, model::CallId>, std::vector<std::string>> running_;  // with their pools
  std::int64_t in_flight_ = 0;
  std::int64_t calls_started_ = 0;
  std::int64_t highest_items_ = 0;
  std::int64_t highest_tokens_ = 0;
  bool context_passed_ = false;
  std::map<std::string, int> answered_;
  bool had_faults_ = false;
  struct Judges {
    RateJudge requests;
    RateJudge tokens;
  };
  std::map<std::string, Judges> judges_;
  std::int64_t billed_ = 0;
  std::int64_t units_written_ = 0;
  std::set<std::string> cut_off_;
  bool rate_passed_ = false;
  bool route_broken_ = false;
  struct Held {
    base::Timestamp from;
    base::Timestamp until;
  };
  std::map<std::string, Held> held_;  // by provider
  bool hold_broken_ = false;
};

}  // namespace llmbatch::sim
