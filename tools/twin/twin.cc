#include "twin/twin.h"

#include <utility>

#include "twin/answer.h"
#include "twin/items.h"

namespace llmbatch::twin {
namespace {

// What a chat format adds around each message.
constexpr std::uint64_t kTokensPerMessage = 4;

bool IsError(FaultKind kind) {
  return kind != FaultKind::kNone && !IsWireFault(kind) &&
         (!IsAnswerFault(kind) || kind == FaultKind::kErrorIn200);
}

Fault FaultOf(LimitKind kind) {
  switch (kind) {
    case LimitKind::kRequests:
      return {.kind = FaultKind::kRequestLimit};
    case LimitKind::kTokens:
      return {.kind = FaultKind::kTokenLimit};
    case LimitKind::kConcurrency:
      return {.kind = FaultKind::kConcurrencyLimit};
  }
  return {.kind = FaultKind::kRequestLimit};
}

// Whether a client is told when to come back even if nothing was configured.
bool HasDefaultRetryAfter(const Fault& fault) {
  return fault.kind == FaultKind::kStatus && fault.status == 429;
}

bool MayHaveRetryAfter(const Fault& fault) {
  return fault.kind == FaultKind::kSlowDown ||
         (fault.kind == FaultKind::kStatus && (fault.status == 429 || fault.status == 503));
}

const WireFormat* FormatOf(std::string_view path) {
  for (const WireFormat* format :
       {&OpenAiChat(), &OpenAiResponses(), &AnthropicMessages(), &GeminiContent()}) {
    if (format->Serves(path)) return format;
  }
  return nullptr;
}

}  // namespace

struct Twin::Draft {
  Fault fault{};
  std::string message{};  // of an error
  Answer answer{};        // where there is no error
  Usage usage{};
  base::Duration delay{};
  std::optional<base::Duration> retry_after{};
  bool stream = false;
};

Twin::Twin(Behaviour behaviour, std::uint64_t journal_max_requests, base::Timestamp now)
    : at_start_(std::move(behaviour)),
      planner_(at_start_),
      limiter_(at_start_.limits, now),
      workers_(at_start_.workers),
      journal_(journal_max_requests, now) {}

Reply Twin::Receive(std::string_view path, const Headers& headers, std::string_view body,
                    base::Now now) {
  const WireFormat* served = FormatOf(path);
  const WireFormat& format = served == nullptr ? OpenAiChat() : *served;
  if (served == nullptr) {
    Draft draft{.fault = {.kind = FaultKind::kStatus, .status = 404},
                .message = "Nothing is served at this path."};
    return Issue(format, {}, {}, std::move(draft), now);
  }
  const std::string& key = planner_.behaviour().api_key;
  if (!key.empty() && !format.Admits(path, headers, key)) {
    Draft draft{.fault = {.kind = FaultKind::kStatus, .status = 401},
                .message = "The key is missing or wrong."};
    return Issue(format, {}, {}, std::move(draft), now);
  }
  const auto request = format.Decode(path, body);
  if (!request) {
    Draft draft{.fault = {.kind = FaultKind::kBadRequest}, .message = request.error().message};
    return Issue(format, {}, {}, std::move(draft), now);
  }
  const std::vector<Item> items = FindItems(request->last_user_text);
  return Issue(format, request->model, items, Compose(*request, items, now.steady), now);
}

void Twin::Finished(std::uint64_t sequence, Delivery delivery, base::Timestamp now) {
  journal_.Close(sequence, delivery, now);
}

base::Result<void> Twin::ApplyScript(std::string_view json, base::Timestamp now) {
  auto behaviour = ParseScript(json, at_start_);
  if (!behaviour) return behaviour.error();
  Behave(*std::move(behaviour), now);
  return {};
}

void Twin::Reset(base::Timestamp now) {
  Behave(at_start_, now);
  journal_.Reset();
}

void Twin::Behave(Behaviour behaviour, base::Timestamp now) {
  limiter_ = Limiter(behaviour.limits, now);
  workers_ = Workers(behaviour.workers);
  planner_ = Planner(std::move(behaviour));
}

Twin::Draft Twin::Compose(const ModelRequest& request, const std::vector<Item>& items,
                          base::Timestamp now) {
  const Behaviour& behaviour = planner_.behaviour();
  const double chars_per_token = behaviour.chars_per_token;
  const std::uint64_t prompt_tokens =
      EstimateTokens(request.text, chars_per_token) + kTokensPerMessage * request.message_count;
  std::vector<std::string> objects = BuildObjects(items, request.schema);
  std::uint64_t expected_tokens = prompt_tokens;
  for (const std::string& object : objects)
    expected_tokens += EstimateTokens(object, chars_per_token);

  if (const auto over = limiter_.Admit(now, expected_tokens, journal_.open_requests())) {
    Draft draft = ComposeOverLimit(*over);
    draft.usage.prompt_tokens = prompt_tokens;
    return draft;
  }
  if (behaviour.context_window > 0 && prompt_tokens > behaviour.context_window) {
    return Draft{.fault = {.kind = FaultKind::kContextLengthExceeded},
                 .message = "This model's maximum context length is " +
                            std::to_string(behaviour.context_window) +
                            " tokens. However, your messages resulted in " +
                            std::to_string(prompt_tokens) + " tokens.",
                 .usage = {.prompt_tokens = prompt_tokens}};
  }
  Draft draft =
      ComposeAnswer(request, items, objects, prompt_tokens, planner_.Next(request.text, items));
  draft.delay = workers_.Take(draft.delay, now);
  return draft;
}

Twin::Draft Twin::ComposeOverLimit(const OverLimit& over) const {
  Draft draft{.fault = FaultOf(over.kind), .retry_after = over.retry_after};
  draft.message = "Limit reached: " + FaultName(draft.fault) + ".";
  if (!over.retry_after) {
    draft.message += " The request is larger than the limit.";
    return draft;
  }
  if (const auto seconds = planner_.behaviour().retry_after_seconds) {
    draft.retry_after = FromMillis(*seconds * 1000);
  }
  draft.message += " Please try again in " + FormatGoDuration(*draft.retry_after) + ".";
  return draft;
}

Twin::Draft Twin::ComposeAnswer(const ModelRequest& request, const std::vector<Item>& items,
                                const std::vector<std::string>& objects,
                                std::uint64_t prompt_tokens, Plan plan) const {
  const Behaviour& behaviour = planner_.behaviour();
  Draft draft{.fault = plan.fault, .usage = {.prompt_tokens = prompt_tokens}};
  draft.delay =
      plan.latency + FromMillis(behaviour.latency_per_item_ms * static_cast<double>(items.size()));
  if (IsError(plan.fault.kind)) {
    draft.message = "Asked for by the script: " + FaultName(plan.fault) + ".";
    const auto seconds =
        plan.retry_after_seconds ? plan.retry_after_seconds : behaviour.retry_after_seconds;
    if (MayHaveRetryAfter(plan.fault) && (seconds || HasDefaultRetryAfter(plan.fault))) {
      draft.retry_after = FromMillis(seconds.value_or(1) * 1000);
    }
    return draft;
  }
  if (plan.answer) {
    draft.answer = AssembleText(*std::move(plan.answer), plan.fault.kind);
  } else if (items.empty()) {
    draft.answer = AssembleText(BuildSentence(request.last_user_text), plan.fault.kind);
  } else {
    draft.answer = AssembleAnswer(items, objects, request.schema, plan.fault.kind, plan.targets);
  }
  if (request.max_output_tokens) {
    LimitTokens(objects, *request.max_output_tokens, behaviour.chars_per_token, draft.answer);
  }
  draft.usage.completion_tokens = EstimateTokens(draft.answer.text, behaviour.chars_per_token);
  draft.stream = request.stream;
  const bool told = !request.stream || request.stream_usage;
  if (told && plan.fault.kind != FaultKind::kNoUsage) draft.answer.usage = draft.usage;
  draft.delay += FromMillis(behaviour.latency_per_output_token_ms *
                            static_cast<double>(draft.usage.completion_tokens));
  return draft;
}

Reply Twin::Issue(const WireFormat& format, std::string_view model, const std::vector<Item>& items,
                  Draft draft, base::Now now) {
  const bool error = IsError(draft.fault.kind);
  const bool wire = IsWireFault(draft.fault.kind);
  Reply reply{.delay = draft.delay,
              .wire = wire ? draft.fault.kind : FaultKind::kNone,
              .status = error ? format.StatusOf(draft.fault) : 200,
              .headers = format.RateLimitHeaders(limiter_, now.wall)};
  const bool broken = wire || (draft.stream && IsStreamFault(draft.fault.kind));
  const bool answered = !error && !broken && draft.answer.answered.size() == items.size();
  reply.sequence = journal_.Open(Arrival{.model = model,
                                         .items = &items,
                                         .answered = answered ? &draft.answer.answered : nullptr,
                                         .status = wire ? 0 : reply.status,
                                         .fault = draft.fault,
                                         .usage = draft.usage},
                                 now.steady);
  const Envelope envelope{.sequence = reply.sequence, .model = model, .created = now.wall};
  if (error) {
    reply.body = format.EncodeError(draft.fault, draft.message, draft.retry_after);
  } else if (draft.stream) {
    const std::string overloaded = format.EncodeError({.kind = FaultKind::kSlowDown},
                                                      "Asked for by the script: stream_error.", {});
    reply.body = JoinEvents(format.EncodeStream(envelope, draft.answer), draft.fault.kind,
                            MakeEvent(format.error_event(), overloaded));
  } else {
    reply.body = format.EncodeAnswer(envelope, draft.answer);
  }
  reply.headers.emplace_back("content-type",
                             draft.stream && !error ? "text/event-stream" : "application/json");
  if (!format.request_id_header().empty()) {
    reply.headers.emplace_back(format.request_id_header(), "req_" + std::to_string(reply.sequence));
  }
  if (draft.retry_after) {
    const Headers retry = format.RetryHeaders(*draft.retry_after);
    reply.headers.insert(reply.headers.end(), retry.begin(), retry.end());
  }
  return reply;
}

}  // namespace llmbatch::twin
