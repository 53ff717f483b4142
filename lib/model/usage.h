// Tokens as a provider reports them.
#pragma once

#include <cstdint>

namespace llmbatch::model {

struct Usage {
  std::int64_t input_tokens = 0;         // all input, cached or not
  std::int64_t cached_input_tokens = 0;  // the part of input_tokens read from the provider's cache
  // The part of input_tokens written to the provider's cache; none of it is read from there.
  std::int64_t cache_write_tokens = 0;
  std::int64_t long_cache_write_tokens = 0;  // the part of cache_write_tokens kept for an hour
  std::int64_t output_tokens = 0;            // all billed output, reasoning included
  std::int64_t reasoning_tokens = 0;         // the part of output_tokens spent on reasoning

  Usage& operator+=(const Usage& other) {
    input_tokens += other.input_tokens;
    cached_input_tokens += other.cached_input_tokens;
    cache_write_tokens += other.cache_write_tokens;
    long_cache_write_tokens += other.long_cache_write_tokens;
    output_tokens += other.output_tokens;
    reasoning_tokens += other.reasoning_tokens;
    return *this;
  }
  friend bool operator==(const Usage&, const Usage&) = default;
};

}  // namespace llmbatch::model
