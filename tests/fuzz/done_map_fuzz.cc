// Any metadata of a committed offset is a done map, or none; what is read says the same when it is
// written again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/check.h"
#include "offsets/done_map.h"
#include "offsets/offset_tracker.h"

using namespace llmbatch;

namespace {

void Check(std::int64_t base, std::string_view text) {
  const auto done = offsets::DecodeDoneMap(base, text);
  if (!done) return;
  std::int64_t end = base - 1;
  for (const offsets::OffsetRange& range : *done) {
    LLMBATCH_CHECK(range.begin > end || (range.begin == base && end == base - 1));
    LLMBATCH_CHECK(range.end > range.begin);
    end = range.end;
  }
  const offsets::OffsetTracker tracker(base, *done);
  const std::string again = offsets::EncodeDoneMap(*tracker.Committable(), tracker.Done());
  LLMBATCH_CHECK(again.size() <= offsets::kMaxMetadataBytes);
  LLMBATCH_CHECK(offsets::DecodeDoneMap(*tracker.Committable(), again) == tracker.Done());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check(7, text);
  // So that most inputs get past the outer coding.
  if (!text.empty()) {
    std::string bytes(text);
    bytes.insert(1, offsets::DoneMapCheckSum(7, text));
    Check(7, base::EncodeBase64(bytes));
  }
  return 0;
}
