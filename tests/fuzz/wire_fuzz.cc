// Any value of a record is a request, or a reason why not; and what it says can be published.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "base/check.h"
#include "json/value.h"
#include "wire/request.h"
#include "wire/result.h"
#include "workflows/registry.h"

using namespace llmbatch;

namespace {

constexpr std::size_t kMaxBytes = 1U << 20;

void CheckItem(const model::Item& item) {
  model::ItemResult result;
  result.id = item.id;
  result.task = item.task;
  result.outcome.error = model::ItemError{};
  result.metadata_json = item.metadata_json;
  LLMBATCH_CHECK(json::Document::Parse(wire::EncodeItemResult(result), {.max_depth = 65}).ok());
  if (item.input.kind == model::ItemInput::Kind::kJson) {
    LLMBATCH_CHECK(json::Document::Parse(item.input.value, {.max_nodes = 1'000'000}).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ports::Record record;
  record.value = std::string(reinterpret_cast<const char*>(data), size);
  record.key = record.value->substr(0, 8);
  wire::Decoded request = wire::DecodeRequest(record, kMaxBytes);
  if (const auto* item = std::get_if<model::Item>(&request)) CheckItem(*item);
  if (auto* job = std::get_if<model::Job>(&request)) {
    for (const model::Item& item : job->items) CheckItem(item);
    const auto made = workflows::Make(*job, {});
    if (const auto* workflow = std::get_if<std::unique_ptr<workflows::Workflow>>(&made))
      (*workflow)->Begin();
  }
  const wire::Decoded bound = wire::DecodeBound(record, "task", kMaxBytes);
  if (const auto* item = std::get_if<model::Item>(&bound)) CheckItem(*item);
  return 0;
}
