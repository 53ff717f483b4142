// FairTurns: in which order calls of several users are fair.
//
// Start-time fair queueing (Goyal, Vin, Cheng 1996), which gives each user the same share as
// deficit round robin does, without a round: a call's turn is the amount that its user would have
// been served by then, if all who wait were served alike, or by their weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

namespace llmbatch::admission {

// Belongs to one thread.
class FairTurns {
 public:
  using Turn = std::int64_t;
  // Who waits, and how much of the call is theirs.
  struct Part {
    std::string user;
    std::int64_t amount = 0;  // estimated tokens, for example
    std::int64_t weight = 1;  // > 0: how many times the share of one with 1 the user has
  };

  // The turn of a call that waits from now on; the smaller one is first. A call that several share
  // has the turn of the one who has had the least. REQUIRES: no two parts of one user
  Turn Next(std::span<const Part> parts);
  // The call with that turn was served: nobody who comes later goes before it.
  void OnServed(Turn turn);

  std::size_t users() const { return finish_.size(); }

 private:
  std::unordered_map<std::string, Turn> finish_;  // when all that each has asked for is served
  Turn now_ = 0;
  std::size_t next_sweep_ = 0;
};

}  // namespace llmbatch::admission
