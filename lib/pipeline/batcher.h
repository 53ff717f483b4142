// Batcher: from single items to batches that may share a prompt.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "batching/accumulator.h"
#include "pipeline/calls.h"
#include "pipeline/request.h"
#include "ports/commands.h"

namespace llmbatch::pipeline {

// Only items of one task, route and (with isolate_tenants) one user share a batch; those of a
// company only among themselves. Belongs to one thread.
class Batcher {
 public:
  // `by_user`: only items of one user share a batch, whatever their task says.
  explicit Batcher(bool by_user) : by_user_(by_user) {}

  enum class Fit { kTaken, kTooLarge };

  // Gathers the item; kTooLarge: it is over the task's bound, or has no room in the context of any
  // model of its route, and was not taken. Batches that are ready are found in TakeReady().
  Fit Add(Request& request, base::Timestamp now, ports::Commands& out);
  // Closes the batch that items like this one are gathered in.
  void Flush(const Request& request, ports::Commands& out);
  // Closes what has lingered long enough; items of a company don't linger.
  void Expire(base::Timestamp now, ports::Commands& out);
  std::vector<BatchPlan> TakeReady();
  // Closes everything gathered.
  void FlushAll(ports::Commands& out);
  // Drops everything gathered; what is closed already stays for TakeReady().
  void Clear() { gathering_.clear(); }

  // When Expire() has something to close; nullopt: nothing is gathered.
  std::optional<base::Timestamp> Deadline() const;

 private:
  struct Key {
    std::string task_version;
    std::string selected_route;
    std::string tenant;   // empty: any
    std::string company;  // the job and its name there; empty: none
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Gathering {
    std::shared_ptr<Recipe> recipe;
    batching::Accumulator accumulator;
    std::int64_t context_tokens = 0;  // of what its items have in common; estimated, uncalibrated
  };
  Key KeyOf(const Request& request) const;
  // An item that no batch for the first model has room for goes alone to the first one that has.
  Fit AddOversize(Request& request, ports::Commands& out);
  void Close(const std::shared_ptr<Recipe>& recipe, std::size_t lane, batching::ClosedBatch batch,
             std::string_view reason, ports::Commands& out);

  bool by_user_ = false;
  std::map<Key, Gathering> gathering_;
  std::vector<BatchPlan> ready_;
};

}  // namespace llmbatch::pipeline
