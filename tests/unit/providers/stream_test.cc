// Streamed answers of all formats: whole, cut off, with errors, and split at every byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "json/value.h"
#include "providers/codec.h"

namespace llmbatch::providers {
namespace {

using ::testing::HasSubstr;
using FinishReason = Completion::FinishReason;

const ports::HttpResponse kHead{
    .status = 200, .headers = {{.name = "content-type", .value = "text/event-stream"}}, .body = {}};

std::string Data(const std::string& json) { return "data: " + json + "\n\n"; }
std::string Event(const std::string& name, const std::string& rest) {
  return "event: " + name + "\ndata: {\"type\":\"" + name + "\"" + rest + "}\n\n";
}

std::string Chunk(const std::string& delta, const std::string& finish = "null") {
  return Data(R"({"id":"c-1","model":"m-1","service_tier":"flex","choices":[{"index":0,"delta":{)" +
              delta + R"(},"finish_reason":)" + finish + R"(}],"usage":null})");
}

const std::string kChat =
    ": OPENROUTER PROCESSING\n\n" + Data(R"({"choices":[],"prompt_filter_results":[]})") +
    Chunk(R"("role":"assistant","content":"")") + Chunk(R"("content":"{\"a\":")") +
    Chunk(R"("content":"\"ü€😀\"}")") + Chunk("", "\"stop\"") +
    Data(
        R"({"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":8,"completion_tokens_details":{"reasoning_tokens":3}}})") +
    "data: [DONE]\n\n";

const std::string kResponse =
    R"("response":{"id":"c-1","model":"m-1","service_tier":"flex","status":"completed","error":null,"output":[{"type":"message","content":[{"type":"output_text","text":"{\"a\":\"ü€😀\"}"}]}],"usage":{"input_tokens":12,"output_tokens":8,"output_tokens_details":{"reasoning_tokens":3}}})";
const std::string kResponses =
    Event("response.created", R"(,"response":{"status":"in_progress","error":null})") +
    Event("response.output_text.delta", R"(,"delta":"{\"a\":\"")") +
    Event("response.output_text.delta", R"(,"delta":"ü€😀\"}")") +
    Event("response.some_new_thing", R"(,"x":1)") + Event("response.completed", "," + kResponse);

const std::string kAnthropic =
    Event(
        "message_start",
        R"(,"message":{"id":"c-1","model":"m-1","usage":{"input_tokens":5,"cache_read_input_tokens":7,"output_tokens":1,"service_tier":"flex"}})") +
    Event("content_block_start",
          R"(,"index":0,"content_block":{"type":"thinking","thinking":""})") +
    Event("content_block_delta",
          R"(,"index":0,"delta":{"type":"thinking_delta","thinking":"hm"})") +
    Event("content_block_start", R"(,"index":1,"content_block":{"type":"text","text":""})") +
    Event("ping", "") +
    Event("content_block_delta",
          R"(,"index":1,"delta":{"type":"text_delta","text":"{\"a\":\"ü"})") +
    Event("content_block_delta", R"(,"index":1,"delta":{"type":"text_delta","text":"€😀\"}"})") +
    Event("content_block_stop", R"(,"index":1)") +
    Event(
        "message_delta",
        R"(,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":8,"output_tokens_details":{"thinking_tokens":3}})") +
    Event("message_stop", "");

const std::string kGemini =
    Data(
        R"({"responseId":"c-1","modelVersion":"m-1","candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"{\"a\":"}]}}],"usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":1,"serviceTier":"flex"}})") +
    Data(R"({"candidates":[{"content":{"parts":[{"text":"\"ü€😀\"}"}]}}]})") +
    Data(
        R"({"candidates":[{"content":{"parts":[]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":5,"thoughtsTokenCount":3,"serviceTier":"flex"}})");

struct Whole {
  const char* api;
  std::string stream;
};
const std::vector<Whole>& WholeStreams() {
  static const std::vector<Whole> rows = {{"openai", kChat},
                                          {"openai_responses", kResponses},
                                          {"azure_openai", kChat},
                                          {"anthropic", kAnthropic},
                                          {"gemini", kGemini}};
  return rows;
}

using Outcome = std::variant<Completion, CallFailure>;

Outcome DecodeWhole(const char* api, const std::string& stream) {
  ports::HttpResponse response = kHead;
  response.body = stream;
  return CodecFor(api)->Decode(response, {});
}

Outcome DecodeInPieces(const char* api, const std::vector<std::string_view>& pieces) {
  const auto stream = CodecFor(api)->NewStream();
  for (const std::string_view piece : pieces) stream->Feed(piece);
  return stream->Finish(kHead, {});
}

void ExpectWhole(const Outcome& outcome) {
  const auto* completion = std::get_if<Completion>(&outcome);
  ASSERT_NE(completion, nullptr) << std::get<CallFailure>(outcome).message;
  EXPECT_EQ(completion->text, R"({"a":"ü€😀"})");
  EXPECT_EQ(completion->finish_reason, FinishReason::kStop);
  EXPECT_FALSE(completion->refused);
  const model::Usage usage{.input_tokens = 12, .output_tokens = 8, .reasoning_tokens = 3};
  ASSERT_TRUE(completion->usage.has_value());
  model::Usage told = *completion->usage;
  told.cached_input_tokens = 0;
  EXPECT_EQ(told, usage);
  EXPECT_EQ(completion->model, "m-1");
  EXPECT_EQ(completion->request_id, "c-1");
  EXPECT_EQ(completion->tier, "flex");
}

const CallFailure& FailureOf(const Outcome& outcome) {
  static const CallFailure none{.message = "there is no failure"};
  const auto* failure = std::get_if<CallFailure>(&outcome);
  EXPECT_NE(failure, nullptr);
  return failure == nullptr ? none : *failure;
}

TEST(Streams, AreAskedForOnlyIfWanted) {
  for (const std::string_view api : Apis()) {
    ChatRequest request{.model = "m", .messages = {{.text = "t"}}, .max_output_tokens = 5};
    const model::Provider provider{.name = "p", .api = std::string(api)};
    const auto plain = CodecFor(api)->Encode(request, provider, {});
    EXPECT_EQ((plain.path + plain.body).find("stream"), std::string::npos) << api;
    request.stream = true;
    const auto streamed = CodecFor(api)->Encode(request, provider, {});
    if (api == "gemini") {
      EXPECT_EQ(streamed.path, "/v1/models/m:streamGenerateContent?alt=sse");
      EXPECT_EQ(streamed.body, plain.body);
    } else {
      EXPECT_THAT(streamed.body, HasSubstr(R"("stream":true)")) << api;
      EXPECT_EQ(streamed.path, plain.path);
    }
  }
}

TEST(Streams, OfChatTellTheirUsageIfTheServerCan) {
  const ChatRequest request{.model = "m", .messages = {{.text = "t"}}, .stream = true};
  const auto body = [&request](bool stream_usage) {
    const model::Provider provider{.name = "p", .stream_usage = stream_usage};
    return CodecFor("openai")->Encode(request, provider, {}).body;
  };
  EXPECT_THAT(body(true), HasSubstr(R"("stream_options":{"include_usage":true})"));
  EXPECT_EQ(body(false).find("stream_options"), std::string::npos);
}

TEST(Streams, BecomeTheSameCompletionInAllFormats) {
  for (const Whole& row : WholeStreams()) {
    SCOPED_TRACE(row.api);
    ExpectWhole(DecodeWhole(row.api, row.stream));
  }
}

TEST(Streams, AreReadWhateverTheServerCallsThem) {
  for (const Whole& row : WholeStreams()) {
    SCOPED_TRACE(row.api);
    ExpectWhole(CodecFor(row.api)->Decode({.status = 200, .headers = {}, .body = row.stream}, {}));
  }
}

TEST(Streams, MayBeCutIntoPiecesAnywhere) {
  int cases = 0;
  for (const Whole& row : WholeStreams()) {
    const std::string_view stream = row.stream;
    for (std::size_t at = 0; at <= stream.size(); ++at, ++cases) {
      SCOPED_TRACE(std::string(row.api) + ", cut at " + std::to_string(at));
      ExpectWhole(DecodeInPieces(row.api, {stream.substr(0, at), stream.substr(at)}));
    }
  }
  EXPECT_GE(cases, 2'000);
}

// Where the mark of the end is: what is cut off before it is a failure, whatever there is of it.
std::size_t EndOfAnswer(const Whole& row) {
  const std::string_view stream = row.stream;
  for (const char* mark : {"\"finish_reason\":\"stop\"", "\"message_stop\"", "\"finishReason\"",
                           "event: response.completed"}) {
    if (const auto found = stream.find(mark); found != std::string_view::npos) {
      return stream.find("\n\n", found) + 2;
    }
  }
  return 0;
}

TEST(Streams, ThatEndBeforeTheAnswerDoesAreFailuresThatMayPass) {
  for (const Whole& row : WholeStreams()) {
    const std::size_t end = EndOfAnswer(row);
    ASSERT_GT(end, 0U);
    for (std::size_t size = 0; size < end; ++size) {
      SCOPED_TRACE(std::string(row.api) + ", ends at " + std::to_string(size));
      const Outcome outcome = DecodeWhole(row.api, row.stream.substr(0, size));
      const CallFailure& failure = FailureOf(outcome);
      // An empty body is no stream yet.
      EXPECT_EQ(ActionFor(failure.cls), Action::kRetry) << ToString(failure.cls);
      EXPECT_TRUE(failure.maybe_billed);
    }
    ExpectWhole(DecodeWhole(row.api, row.stream));
    EXPECT_TRUE(std::holds_alternative<Completion>(DecodeWhole(row.api, row.stream.substr(0, end))))
        << row.api << ": whole, though usage may be missing";
  }
}

TEST(Streams, KnowWhenNothingIsLeftToWaitFor) {
  for (const Whole& row : WholeStreams()) {
    const auto stream = CodecFor(row.api)->NewStream();
    stream->Feed(std::string_view(row.stream).substr(0, row.stream.size() - 2));
    EXPECT_FALSE(stream->ended()) << row.api;
    stream->Feed("\n\n");
    // Gemini's have no mark behind the last piece of the answer.
    EXPECT_EQ(stream->ended(), std::string_view(row.api) != "gemini") << row.api;
    stream->Feed("data: nonsense\n\n");
    if (std::string_view(row.api) != "gemini") ExpectWhole(stream->Finish(kHead, {}));
  }
}

// Which line tells the driver that nothing is left to wait for.
TEST(Streams, AreWholeWithTheLinesThatTheirRequestNames) {
  for (const Whole& row : WholeStreams()) {
    SCOPED_TRACE(row.api);
    ChatRequest request{.model = "m", .messages = {{.text = "t"}}};
    const model::Provider provider{.name = "p", .api = row.api};
    EXPECT_TRUE(CodecFor(row.api)->Encode(request, provider, {}).end_marks.empty());
    request.stream = true;
    const auto marks = CodecFor(row.api)->Encode(request, provider, {}).end_marks;
    std::size_t found = 0;
    for (const std::string& mark : marks) {
      const std::size_t at = row.stream.find(mark + "\n");
      if (at == std::string::npos) continue;
      ++found;
      EXPECT_EQ(row.stream.find("\n\n", at) + 2, row.stream.size()) << mark;
    }
    EXPECT_EQ(found, std::string_view(row.api) == "gemini" ? 0U : 1U);
    EXPECT_EQ(marks.empty(), std::string_view(row.api) == "gemini");
  }
}

struct Broken {
  const char* what;
  const char* api;
  std::string stream;
  FailureClass cls;
  bool maybe_billed;
};

TEST(Streams, TellOfErrorsInTheMiddle) {
  const std::string overloaded =
      R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})";
  const Broken rows[] = {
      {"at once", "openai", Data(R"({"error":{"type":"server_error","code":"slow_down"}})"),
       FailureClass::kOverloaded, false},
      {"after some text", "openai",
       Chunk(R"("content":"x")") + Data(R"({"error":{"code":"server_is_overloaded"}})"),
       FailureClass::kOverloaded, true},
      {"behind a finish reason", "openai",
       kChat.substr(0, kChat.find("data: [DONE]")) + Data(R"({"error":{"code":"slow_down"}})"),
       FailureClass::kProtocol, false},
      {"after the end", "openai", kChat + Data(R"({"error":{"code":"slow_down"}})"),
       FailureClass::kProtocol, false},
      {"the context", "openai", Data(R"({"error":{"code":"context_length_exceeded"}})"),
       FailureClass::kContextTooLong, false},
      {"money", "openai", Data(R"({"error":{"type":"insufficient_quota"}})"),
       FailureClass::kQuotaExhausted, false},
      {"no JSON", "openai", Chunk(R"("content":"x")") + "data: {\"choices\":\n\n",
       FailureClass::kProtocol, true},
      {"a list", "openai", "data: [1]\n\n", FailureClass::kProtocol, true},
      {"no letters", "openai", "data: {\"a\":\"\xFF\"}\n\n", FailureClass::kProtocol, true},
      {"the end alone", "openai", "data: [DONE]\n\n", FailureClass::kTransport, true},
      {"comments alone", "openai", ": x\n\n: y\n\n", FailureClass::kTransport, true},
      {"a flat error", "openai_responses",
       Event("error", R"(,"code":"server_is_overloaded","message":"m")"), FailureClass::kOverloaded,
       false},
      {"a nested one", "openai_responses",
       "event: error\n" + Data(R"({"type":"error","error":{"code":"server_is_overloaded"}})"),
       FailureClass::kOverloaded, false},
      {"a failed response", "openai_responses",
       Event("response.failed",
             R"(,"response":{"status":"failed","error":{"code":"rate_limit_exceeded"}})"),
       FailureClass::kRateLimited, false},
      {"an error", "anthropic", "event: error\n" + Data(overloaded), FailureClass::kOverloaded,
       false},
      {"an error late", "anthropic",
       kAnthropic.substr(0, kAnthropic.find("event: message_stop")) + "event: error\n" +
           Data(overloaded),
       FailureClass::kOverloaded, true},
      {"an error", "gemini", Data(R"({"error":{"code":503,"status":"UNAVAILABLE","message":"m"}})"),
       FailureClass::kOverloaded, false},
  };
  for (const Broken& row : rows) {
    SCOPED_TRACE(std::string(row.api) + ": " + row.what);
    const Outcome outcome = DecodeWhole(row.api, row.stream);
    if (row.stream.starts_with(kChat.substr(0, kChat.find("data: [DONE]")))) {
      ExpectWhole(outcome);
      continue;
    }
    EXPECT_EQ(ToString(FailureOf(outcome).cls), ToString(row.cls));
    EXPECT_EQ(FailureOf(outcome).maybe_billed, row.maybe_billed);
  }
}

struct Ended {
  const char* what;
  const char* api;
  std::string stream;
  FinishReason reason;
  bool refused;
  const char* text;
};

TEST(Streams, EndForEachReason) {
  const auto stop = [](const std::string& reason) {
    return Event("content_block_delta", R"(,"delta":{"type":"text_delta","text":"x"})") +
           Event("message_delta", R"(,"delta":{"stop_reason":")" + reason + R"("})") +
           Event("message_stop", "");
  };
  const auto gemini = [](const std::string& reason) {
    return Data(R"({"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":")" + reason +
                R"("}]})");
  };
  const Ended rows[] = {
      {"cut off", "openai", Chunk(R"("content":"x")", "\"length\""), FinishReason::kLength, false,
       "x"},
      {"filtered", "openai", Chunk("", "\"content_filter\""), FinishReason::kContentFilter, false,
       ""},
      {"refused", "openai", Chunk(R"("refusal":"n")") + Chunk(R"("refusal":"o")", "\"stop\""),
       FinishReason::kStop, true, ""},
      {"content is null", "openai", Chunk(R"("content":null)", "\"stop\""), FinishReason::kStop,
       false, ""},
      {"no reason, but an end", "openai", Chunk(R"("content":"x")") + "data: [DONE]\n\n",
       FinishReason::kUnknown, false, "x"},
      {"unheard of", "openai", Chunk(R"("content":"x")", "\"tired\""), FinishReason::kUnknown,
       false, "x"},
      {"incomplete", "openai_responses",
       Event(
           "response.incomplete",
           R"(,"response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"message","content":[{"type":"output_text","text":"x"}]}]})"),
       FinishReason::kLength, false, "x"},
      {"text in the pieces alone", "openai_responses",
       Event("response.output_text.delta", R"(,"delta":"x")") +
           Event("response.completed", R"(,"response":{"status":"completed"})"),
       FinishReason::kStop, false, "x"},
      {"cut off", "anthropic", stop("max_tokens"), FinishReason::kLength, false, "x"},
      {"refused", "anthropic", stop("refusal"), FinishReason::kContentFilter, true, "x"},
      {"to be gone on with", "anthropic", stop("pause_turn"), FinishReason::kLength, false, "x"},
      {"cut off", "gemini", gemini("MAX_TOKENS"), FinishReason::kLength, false, "x"},
      {"unsafe", "gemini", gemini("SAFETY"), FinishReason::kContentFilter, false, "x"},
      {"blocked", "gemini", Data(R"({"promptFeedback":{"blockReason":"OTHER"}})"),
       FinishReason::kContentFilter, true, ""},
  };
  for (const Ended& row : rows) {
    SCOPED_TRACE(std::string(row.api) + ": " + row.what);
    const Outcome outcome = DecodeWhole(row.api, row.stream);
    const auto* completion = std::get_if<Completion>(&outcome);
    ASSERT_NE(completion, nullptr) << std::get<CallFailure>(outcome).message;
    EXPECT_EQ(completion->finish_reason, row.reason);
    EXPECT_EQ(completion->refused, row.refused);
    EXPECT_EQ(completion->text, row.text);
    EXPECT_FALSE(completion->usage.has_value()) << "nothing was told";
  }
}

TEST(Streams, AreErrorsWithAnErrorsStatus) {
  for (const Whole& row : WholeStreams()) {
    const ports::HttpResponse response{.status = 503, .headers = kHead.headers, .body = row.stream};
    const Outcome outcome = CodecFor(row.api)->Decode(response, {});
    EXPECT_EQ(FailureOf(outcome).cls, FailureClass::kOverloaded) << row.api;
  }
}

}  // namespace
}  // namespace llmbatch::providers
