// Tokens as a provider reports them.
#pragma once

#include <cstdint>

namespace llmbatch::model {

struct Usage {
  std::int64_t input_tokens = 0;         // all input, cached or not
  std::int64_t cached_input_tokens = 0;  // the part of input_tokens read from the provider's cache
  std::int64_t output_tokens = 0;        // all billed output, reasoning included
  std::int64_t reasoning_tokens = 0;     // the part of output_tokens spent on reasoning

  Usage& operator+=(const Usage& other) {
    input_tokens += other.input_tokens;
    cached_input_tokens += other.cached_input_tokens;
    output_tokens += other.output_tokens;
    reasoning_tokens += other.reasoning_tokens;
    return *this;
  }
  friend bool operator==(const Usage&, const Usage&) = default;
};

}  // namespace llmbatch::model
