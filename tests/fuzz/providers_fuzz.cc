// Whatever a provider answers, each codec makes a completion or a failure of it that is sound; and
// whatever a task's parameters and schema are, each codec makes a request of them that is JSON.
//
// The first byte chooses codec and status, the rest is the body.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "json/value.h"
#include "providers/codec.h"
#include "providers/price.h"

using namespace llmbatch;

namespace {

constexpr int kStatuses[] = {200, 400, 429, 503};
constexpr model::ModelPrice kPrice{.input_nanos_per_1k = 3,
                                   .cached_input_nanos_per_1k = 1,
                                   .output_nanos_per_1k = 7,
                                   .cache_write_nanos_per_1k = 4,
                                   .long_cache_write_nanos_per_1k = 6};

void CheckUsage(const model::Usage& usage) {
  LLMBATCH_CHECK(usage.cached_input_tokens >= 0 && usage.cache_write_tokens >= 0);
  LLMBATCH_CHECK(usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens);
  LLMBATCH_CHECK(usage.long_cache_write_tokens >= 0 &&
                 usage.long_cache_write_tokens <= usage.cache_write_tokens);
  LLMBATCH_CHECK(usage.reasoning_tokens >= 0 && usage.reasoning_tokens <= usage.output_tokens);
  LLMBATCH_CHECK(providers::CostOf(usage, kPrice).has_value());
  const std::vector<std::int64_t> weights = {3, 0, 5};
  model::Usage sum;
  for (const model::Usage& part : providers::ShareOut(usage, weights)) sum += part;
  LLMBATCH_CHECK(sum == usage);
}

void CheckDecoded(const providers::Codec& codec, int status, std::string_view body) {
  const ports::HttpResponse response{.status = status, .body = std::string(body)};
  const auto decoded = codec.Decode(response, {});
  if (const auto* completion = std::get_if<providers::Completion>(&decoded)) {
    LLMBATCH_CHECK(status == 200);
    LLMBATCH_CHECK(base::IsUtf8(completion->text));
    if (completion->usage) CheckUsage(*completion->usage);
    return;
  }
  const auto& failure = std::get<providers::CallFailure>(decoded);
  LLMBATCH_CHECK(failure.http_status == status);
  LLMBATCH_CHECK(failure.message.size() < 512 && base::IsUtf8(failure.message));
  if (!failure.retry_after) return;
  LLMBATCH_CHECK(*failure.retry_after >= base::Duration::zero() &&
                 *failure.retry_after <= std::chrono::hours(1));
}

// In pieces of the size that the first byte tells, a stream is read as in one.
void CheckStreamed(const providers::Codec& codec, std::size_t piece_size, std::string_view body) {
  const ports::HttpResponse head{.status = 200};
  const auto whole = codec.NewStream();
  whole->Feed(body);
  const auto pieces = codec.NewStream();
  for (std::string_view rest = body; !rest.empty();) {
    const std::string_view piece = rest.substr(0, piece_size);
    pieces->Feed(piece);
    rest.remove_prefix(piece.size());
  }
  LLMBATCH_CHECK(whole->ended() == pieces->ended());
  const auto one = whole->Finish(head, {});
  const auto other = pieces->Finish(head, {});
  LLMBATCH_CHECK(one.index() == other.index());
  if (const auto* completion = std::get_if<providers::Completion>(&one)) {
    LLMBATCH_CHECK(base::IsUtf8(completion->text));
    LLMBATCH_CHECK(completion->text == std::get<providers::Completion>(other).text);
    if (completion->usage) CheckUsage(*completion->usage);
  }
}

void CheckEncoded(const providers::Codec& codec, std::string_view json) {
  using SchemaMode = model::Provider::SchemaMode;
  const auto document = json::Document::Parse(json);
  providers::ChatRequest request{.model = "m",
                                 .system = "s",
                                 .messages = {{.text = "t"}},
                                 .max_output_tokens = 5,
                                 .parameters_json = std::string(json)};
  // A schema comes from the configuration, which has read it as JSON.
  if (document) request.response_schema_json = document->root().ToJson();
  for (const SchemaMode mode : codec.traits().schema_modes) {
    const auto http = codec.Encode(request, {.schema_mode = mode}, {});
    // Parsing also finds members that stand there twice.
    const json::Limits limits{.max_bytes = 64U << 20, .max_depth = 128, .max_nodes = 2'000'000};
    LLMBATCH_CHECK(json::Document::Parse(http.body, limits).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto apis = providers::Apis();
  const providers::Codec* codec = providers::CodecFor(apis[data[0] % apis.size()]);
  LLMBATCH_CHECK(codec != nullptr);
  const int status = kStatuses[(data[0] / apis.size()) % std::size(kStatuses)];
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  CheckDecoded(*codec, status, body);
  CheckStreamed(*codec, 1 + data[0] % 16, body);
  CheckEncoded(*codec, body);
  return 0;
}
