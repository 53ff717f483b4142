// OutputForecast: how many tokens an answer will have, learnt from those that came.
#pragma once

#include <cstdint>

namespace llmbatch::admission {

// Of one task and model. Belongs to one thread.
class OutputForecast {
 public:
  // An answer to `items` items; figures that are not above 0 teach nothing.
  void Observe(std::int64_t items, std::int64_t output_tokens);

  // What is expected of an answer; `most` while nothing is known, and never more than that.
  std::int64_t Likely(std::int64_t items, std::int64_t most) const;
  // What hardly any answer will pass; `most` until some have been seen, and never more than that.
  std::int64_t Cautious(std::int64_t items, std::int64_t most) const;

 private:
  double mean_ = 0;      // of an item
  double variance_ = 0;  // of an item, as if the items of an answer were independent
  std::int64_t seen_ = 0;
};

}  // namespace llmbatch::admission
