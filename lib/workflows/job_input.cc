#include "workflows/job_input.h"

#include <cstddef>
#include <utility>

#include "base/check.h"
#include "wire/request.h"

namespace llmbatch::workflows {
namespace {

// The message was within the limits of messages; as compact JSON it may have more bytes.
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

}  // namespace

json::Document ParseInput(const model::Job& job) {
  auto document = json::Document::Parse(job.input_json, {.max_bytes = kMaxBytes,
                                                         .max_depth = wire::kMaxJsonDepth,
                                                         .max_nodes = wire::kMaxJsonValues});
  LLMBATCH_CHECK(document.ok());
  return std::move(document).value();
}

}  // namespace llmbatch::workflows
