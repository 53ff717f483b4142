// Plan: what a seed makes of a run: sizes, limits and how likely each fault is.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/rng.h"
#include "base/time.h"
#include "pipeline/options.h"
#include "ports/events.h"

namespace llmbatch::sim {

// By this the provider knows the calls of the task `form`.
inline constexpr const char* kFormSystem = "Fill the form.";
inline constexpr const char* kSortSystem = "Sort the sessions.";
inline constexpr const char* kSameSystem = "Find the same.";
inline constexpr const char* kCompareSystem = "Compare the documents.";
inline constexpr const char* kAskSystem = "Answer the question.";
inline constexpr const char* kJoinSystem = "Join the parts.";
inline constexpr const char* kPlanSystem = "Write the plan.";
// A route that jobs may choose, with a provider that only it has.
inline constexpr const char* kChosenRoute = "fast";
inline constexpr const char* kChosenProvider = "third";

struct Plan {
  std::uint64_t seed = 0;
  int replicas = 1;
  int partitions = 1;
  int records = 0;
  std::int64_t permit_limit = 5;

  // Per thousand.
  std::uint64_t malformed_records = 0;
  std::uint64_t jobs = 0;
  std::uint64_t poisonous_items = 0;  // the provider refuses every batch that has one
  std::uint64_t oversize_items = 0;
  std::uint64_t provider_errors = 0;  // 429, 5xx, time-outs, broken connections
  std::uint64_t bad_answers = 0;      // garbled, truncated, missing, doubled, foreign
  std::uint64_t publish_failures = 0;
  std::uint64_t commit_failures = 0;

  std::uint64_t failed_fetches = 0;  // of documents by reference
  std::uint64_t cancelled_jobs = 0;  // of those that have all they need in their message
  std::uint64_t retried_jobs = 0;    // they are cancelled, and asked for again
  std::uint64_t repeated_jobs = 0;   // of those about documents: their message comes twice
  std::uint64_t referring_jobs = 0;  // whose items or sessions are elsewhere
  std::uint64_t choosing_jobs = 0;   // that choose kChosenRoute

  int crashes = 0;      // kill -9 and restart of a replica
  int untold_ends = 0;  // the same just after the end of a job was kept
  int stops = 0;        // SIGTERM and restart
  int rebalances = 0;
  int rebuilds = 0;  // a consumer is replaced and gets its partitions again without a revocation
  int freezes = 0;   // a replica stands still for a while and goes on as if nothing had happened
  int redis_outages = 0;
  int redis_losses = 0;            // it comes back without its data
  std::uint64_t lost_replies = 0;  // of Redis, per thousand; what was asked for may have been done
  std::uint64_t repeated_events = 0;  // records and wake-ups that come twice, per thousand
  int broker_outages = 0;
  bool clocks_differ = false;  // wall clocks, by up to an hour, and they are set
  bool exactly_once = false;
  bool cached = false;  // answers serve whoever asks the same, and some do
  int reloads = 0;      // a replica gets a changed configuration, or one that is refused
  bool busy_elsewhere =
      false;  // replicas live in the eyes of Redis also while they do nothing here

  base::Duration provider_latency{};
  pipeline::Options options;

  int kills() const { return crashes + untold_ends; }
  // What one replica did, Redis may not tell another.
  bool redis_fails() const { return redis_outages > 0 || redis_losses > 0 || lost_replies > 0; }

  // What is elsewhere may be refused, or never had.
  bool fetches_fail() const {
    return failed_fetches > 0 || redis_fails() || options.documents.max_job_bytes < 4'000;
  }

  // Every task keeps its answers, also those from prompts with several items.
  void Cache(bool batched);

  // The most calls at a time of each pool that is narrower than that of all.
  std::map<std::string, std::int64_t> PoolLimits() const;

  // Another configuration within the bounds of this plan's.
  ports::ConfigurationLoaded Changed(base::Rng& rng) const;

  // Rare states are reached by making limits small now and then.
  static Plan FromSeed(std::uint64_t seed);
  std::string Describe() const;
};

}  // namespace llmbatch::sim
