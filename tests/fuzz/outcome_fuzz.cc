// An outcome that can be read is written and read as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "wire/outcome.h"

using namespace llmbatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto outcome = wire::DecodeOutcome({reinterpret_cast<const char*>(data), size});
  if (!outcome) return 0;
  const auto again = wire::DecodeOutcome(wire::EncodeOutcome(*outcome));
  LLMBATCH_CHECK(again.ok() && *again == *outcome);
  return 0;
}
