// PermitLoad: replicas that always have calls to make, as the daemon makes them: a PermitKeeper
// each, over a real Redis.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "admission/permit_keeper.h"
#include "driver/redis/redis_server.h"

namespace llmbatch::redis {

struct LoadPlan {
  int replicas = 8;
  std::int64_t limit = 5;
  std::vector<std::int64_t> weights;  // of each replica's calls; empty: 1
  base::Duration shortest_call = std::chrono::milliseconds(20);
  base::Duration longest_call = std::chrono::milliseconds(200);
  base::Duration lease = std::chrono::seconds(15);
  base::Duration learning = std::chrono::milliseconds(500);
  double lost_replies = 0;  // share of syncs whose answer doesn't come
};

struct LoadFigures {
  double utilisation = 0;  // permits in use / limit, on the average
  std::int64_t most_in_use = 0;
  double jain = 0;  // of the calls of each replica
  double round_trips_a_call = 0;
  std::vector<std::int64_t> calls;
};

class PermitLoad {
 public:
  PermitLoad(const RedisServer& server, LoadPlan plan);
  ~PermitLoad();

  // What happened since the last call, or the beginning.
  LoadFigures Take();

 private:
  // Permits in use over time.
  class Meter {
   public:
    void Change(std::int64_t permits);
    // The average since it was asked last, and the most.
    std::pair<double, std::int64_t> Take();

   private:
    void Advance();

    std::mutex mutex_;
    base::Timestamp since_;
    base::Timestamp last_;
    double area_ = 0;
    std::int64_t in_use_ = 0;
    std::int64_t most_ = 0;
  };

  void Run(std::size_t index);

  const RedisServer& server_;
  LoadPlan plan_;
  Meter meter_;
  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> syncs_{0};
  std::vector<std::atomic<std::int64_t>> calls_;
  std::vector<std::thread> threads_;
};

}  // namespace llmbatch::redis
