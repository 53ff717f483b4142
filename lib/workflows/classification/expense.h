// Expense: what a phase or a stream has used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "json/writer.h"
#include "model/money.h"
#include "model/result.h"
#include "model/usage.h"

namespace llmbatch::workflows {

class Expense {
 public:
  void Add(const model::ItemOutcome& outcome);

  // The time of its calls, one after the other.
  base::Duration call_time() const;
  // Members of an object that is begun: "calls", "usage", "cost_usd", "call_time_ms", and what is
  // in doubt of the cost.
  void Write(json::Writer& writer) const;

 private:
  model::Usage usage_;
  std::optional<model::NanoUsd> cost_ = model::NanoUsd{};
  std::optional<model::NanoUsd> cost_in_doubt_ = model::NanoUsd{};
  // By the name of the batch: outcomes of one call have one time together.
  std::map<std::string, base::Duration> calls_;
};

}  // namespace llmbatch::workflows
