// How well permits are used when many want them, and that there are never too many.
//
// Seconds are few here; PERMIT_LOAD_SECONDS=60 makes a run long enough for figures, which are
// printed. How much is used hangs on the machine, so the bounds are wide; never too many is exact.
#include "driver/redis/permit_load.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

namespace llmbatch::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

base::Duration RunTime() {
  const char* text = std::getenv("PERMIT_LOAD_SECONDS");
  return seconds(text == nullptr ? 3 : std::max(1, std::atoi(text)));
}

LoadFigures Shown(const std::string& what, const LoadFigures& figures) {
  std::cout << what << ": utilisation " << figures.utilisation << ", Jain " << figures.jain
            << ", round trips a call " << figures.round_trips_a_call << ", most in use "
            << figures.most_in_use << "\n";
  return figures;
}

// Lets the replicas come to their stride before anything is measured.
LoadFigures RunOf(const std::string& what, const LoadPlan& plan) {
  RedisServer server;
  PermitLoad load(server, plan);
  std::this_thread::sleep_for(plan.learning + milliseconds(500));
  load.Take();
  std::this_thread::sleep_for(RunTime());
  return Shown(what, load.Take());
}

TEST(PermitLoad, EightReplicasUseFivePermitsToTheFullAndAlike) {
  const LoadFigures figures = RunOf("8 replicas, limit 5", {});
  EXPECT_EQ(figures.most_in_use, 5);
  EXPECT_GE(figures.utilisation, 0.7);
  EXPECT_GE(figures.jain, 0.9);
  EXPECT_LE(figures.round_trips_a_call, 3);
}

TEST(PermitLoad, ThirtyTwoReplicasToo) {
  const LoadFigures figures = RunOf("32 replicas, limit 5", {.replicas = 32});
  EXPECT_LE(figures.most_in_use, 5);
  EXPECT_GE(figures.utilisation, 0.6);
}

TEST(PermitLoad, HeavyCallsDoNotStarve) {
  const LoadFigures figures =
      RunOf("weights 1, 1, 1, 4 of 12", {.replicas = 4, .limit = 12, .weights = {1, 1, 1, 4}});
  EXPECT_LE(figures.most_in_use, 12);
  EXPECT_GE(figures.utilisation, 0.6);
  for (const std::int64_t calls : figures.calls) EXPECT_GT(calls, 0);
}

TEST(PermitLoad, LostRepliesDoNotLetTheLimitBeExceeded) {
  const LoadFigures figures = RunOf("20 % of replies lost", {.lost_replies = 0.2});
  EXPECT_LE(figures.most_in_use, 5);
  EXPECT_GE(figures.utilisation, 0.3);
}

TEST(PermitLoad, LosingAllDataThreeTimesDoesNotLetTheLimitBeExceeded) {
  RedisServer server;
  PermitLoad load(server, {.shortest_call = milliseconds(200),
                           .longest_call = milliseconds(800),
                           .lease = seconds(2),
                           .learning = milliseconds(900)});
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(RunTime() / 2);
    EXPECT_EQ(server.Command("FLUSHALL"), "+OK");
  }
  std::this_thread::sleep_for(RunTime());
  EXPECT_EQ(Shown("FLUSHALL three times", load.Take()).most_in_use, 5);
}

// Redis stands still with all its data for so much longer than a lease that every row runs out.
TEST(PermitLoad, AnOutageLongerThanALeaseWithTheDataIntactDoesNotLetTheLimitBeExceeded) {
  RedisServer server;
  PermitLoad load(server, {.replicas = 4,
                           .shortest_call = milliseconds(500),
                           .longest_call = seconds(3),
                           .lease = seconds(2),
                           .learning = milliseconds(1500)});
  std::this_thread::sleep_for(seconds(3));
  server.Pause();
  std::this_thread::sleep_for(seconds(6));
  server.Resume();
  std::this_thread::sleep_for(seconds(4));
  EXPECT_LE(Shown("outage of three leases", load.Take()).most_in_use, 5);
  std::this_thread::sleep_for(seconds(3));
  const LoadFigures after = Shown("4 s after it", load.Take());
  EXPECT_EQ(after.most_in_use, 5);
  EXPECT_GE(after.utilisation, 0.7);
}

// The daemon's own lease and learning time.
TEST(PermitLoad, IsBackToFullUseWithinEightSecondsOfARestart) {
  RedisServer server({"--appendonly", "yes"});
  PermitLoad load(server, {.replicas = 4,
                           .shortest_call = milliseconds(100),
                           .longest_call = milliseconds(500),
                           .learning = seconds(5)});
  std::this_thread::sleep_for(seconds(6));
  load.Take();
  server.Kill();
  std::this_thread::sleep_for(RunTime());
  EXPECT_LE(Shown("Redis away", load.Take()).most_in_use, 5);
  server.Start();
  std::this_thread::sleep_for(seconds(8));
  EXPECT_LE(Shown("8 s from its return", load.Take()).most_in_use, 5);
  std::this_thread::sleep_for(seconds(2));
  const LoadFigures after = Shown("after that", load.Take());
  EXPECT_EQ(after.most_in_use, 5);
  EXPECT_GE(after.utilisation, 0.7);
}

}  // namespace
}  // namespace llmbatch::redis
