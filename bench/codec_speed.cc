// What the wire formats cost a call of one item: its request written, its answer read.

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "processor_time.h"
#include "providers/codec.h"

namespace llmbatch::bench {
namespace {

constexpr int kRounds = 30;
constexpr int kCallsPerRound = 1'000;

// A kibibyte of a customer's words as the prompt, and its label as the answer.
std::string Words() {
  std::string words;
  while (words.size() < 1'024) words += "The parcel came late, but the shop answered at once. ";
  return words;
}

constexpr std::string_view kLabel =
    R"([{\"id\":\"0123456789abcdef\",\"label\":\"late\",\"score\":0.25,\"summary\":\"Late, answered.\"}])";

providers::ChatRequest Request() {
  return {
      .model = "model-1",
      .system = "You label messages of customers. Answer with a JSON array.",
      .messages = {{.text = R"([{"id":"0123456789abcdef","text":")" + Words() + "\"}]"}},
      .max_output_tokens = 4'000,
      .response_schema_json =
          R"({"type":"object","required":["results"],"additionalProperties":false,"properties":)"
          R"({"results":{"type":"array","items":{"type":"object","required":["id","label"],)"
          R"("additionalProperties":false,"properties":{"id":{"type":"string"},"label":)"
          R"({"enum":["late","lost","fine"]},"score":{"type":"number","minimum":0},)"
          R"("summary":{"type":"string","maxLength":200}}}}}})",
      .parameters_json = R"({"metadata":{"user_id":"u"}})"};
}

struct Answer {
  std::string_view api;
  std::string body;
};

std::vector<Answer> Answers() {
  const std::string label(kLabel);
  const std::string chat =
      R"({"id":"c-1","object":"chat.completion","created":1795224228,"model":"model-1",)"
      R"("service_tier":"default","choices":[{"index":0,"finish_reason":"stop","logprobs":null,)"
      R"("message":{"role":"assistant","refusal":null,"content":")" +
      label +
      R"("}}],"usage":{"prompt_tokens":300,"completion_tokens":40,"total_tokens":340,)"
      R"("prompt_tokens_details":{"cached_tokens":128},)"
      R"("completion_tokens_details":{"reasoning_tokens":0}}})";
  return {
      {"openai", chat},
      {"azure_openai", chat},
      {"openai_responses",
       R"({"id":"r-1","object":"response","status":"completed","model":"model-1","error":null,)"
       R"("incomplete_details":null,"output":[{"type":"message","role":"assistant","content":)"
       R"([{"type":"output_text","annotations":[],"text":")" +
           label +
           R"("}]}],"usage":{"input_tokens":300,"input_tokens_details":{"cached_tokens":128},)"
           R"("output_tokens":40,"output_tokens_details":{"reasoning_tokens":0}}})"},
      {"anthropic",
       R"({"id":"m-1","type":"message","role":"assistant","model":"model-1","content":)"
       R"([{"type":"text","text":")" +
           label +
           R"("}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":172,)"
           R"("cache_creation_input_tokens":0,"cache_read_input_tokens":128,"output_tokens":40}})"},
      {"gemini",
       R"({"candidates":[{"index":0,"finishReason":"STOP","content":{"role":"model","parts":)"
       R"([{"text":")" +
           label +
           R"("}]}}],"usageMetadata":{"promptTokenCount":300,"candidatesTokenCount":40,)"
           R"("totalTokenCount":340},"modelVersion":"model-1","responseId":"g-1"})"},
  };
}

const std::vector<model::Header> kHeaders = {{"content-type", "application/json"},
                                             {"date", "Sat, 21 Nov 2026 08:00:00 GMT"},
                                             {"x-request-id", "req-1"},
                                             {"x-ratelimit-limit-requests", "5000"},
                                             {"x-ratelimit-remaining-requests", "4999"},
                                             {"x-ratelimit-reset-requests", "12ms"},
                                             {"x-ratelimit-limit-tokens", "2000000"},
                                             {"x-ratelimit-remaining-tokens", "1999000"},
                                             {"x-ratelimit-reset-tokens", "30ms"}};

// False: an answer was not read.
bool Measure(const Answer& answer) {
  const providers::Codec& codec = *providers::CodecFor(answer.api);
  const providers::ChatRequest request = Request();
  const model::Provider provider{
      .name = "p", .api = std::string(answer.api), .max_response_bytes = 1 << 20};
  const ports::HttpResponse response{.status = 200, .headers = kHeaders, .body = answer.body};
  Fastest written;
  Fastest read;
  bool all_read = true;
  std::size_t bytes = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = ProcessorTime();
    for (int i = 0; i < kCallsPerRound; ++i) {
      bytes = codec.Encode(request, provider, std::chrono::seconds(60)).body.size();
    }
    const auto middle = ProcessorTime();
    for (int i = 0; i < kCallsPerRound; ++i) {
      all_read = std::holds_alternative<providers::Completion>(codec.Decode(response, {})) &&
                 codec.RateLimitsOf(response, {}).requests.remaining >= 0 && all_read;
    }
    written.Add(middle - begin);
    read.Add(ProcessorTime() - middle);
  }
  const double write_us = written.seconds() * 1e6 / kCallsPerRound;
  const double read_us = read.seconds() * 1e6 / kCallsPerRound;
  std::printf("%-17s %5zu bytes written in %5.2f us, %4zu read in %5.2f us: %5.2f us a call\n",
              std::string(answer.api).c_str(), bytes, write_us, answer.body.size(), read_us,
              write_us + read_us);
  return all_read;
}

}  // namespace
}  // namespace llmbatch::bench

int main() {
  bool all_read = true;
  for (const auto& answer : llmbatch::bench::Answers()) {
    all_read = llmbatch::bench::Measure(answer) && all_read;
  }
  return all_read ? 0 : 1;
}
