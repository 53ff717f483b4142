#include "providers/completion_stream.h"

#include <utility>

#include "providers/error_body.h"
#include "providers/headers.h"

namespace llmbatch::providers {

bool IsEventStream(const ports::HttpResponse& response) {
  constexpr std::string_view kType = "text/event-stream";
  if (const auto type = FindHeader(response.headers, "content-type")) {
    if (type->starts_with(kType)) return true;
  }
  // Some say that it is plain text, or JSON.
  const std::string_view body = response.body;
  return body.starts_with("data:") || body.starts_with("event:") || body.starts_with(":");
}

void CompletionStream::OnEvent(std::string_view event, std::string_view data) {
  if (ended() || data.empty() || OnWord(data)) return;
  const auto document = json::Document::Parse(data, kBodyLimits);
  if (!document || !document->root().is(json::Kind::kObject)) {
    nonsense_ = true;
  } else if (FindError(document->root())) {
    Fail(std::string(data));
  } else {
    OnObject(event, document->root());
  }
}

std::string CompletionStream::RequestId(const ports::HttpResponse& head, std::string_view header,
                                        std::string_view id) {
  const auto value = FindHeader(head.headers, header);
  if (value && IsName(*value)) return std::string(*value);
  return IsName(id) ? std::string(id) : std::string();
}

CallFailure CompletionStream::FailureOf(const ports::HttpResponse& head, base::WallTime now) const {
  if (error_) {
    CallFailure failure =
        Classify({.status = head.status, .headers = head.headers, .body = *error_}, now);
    failure.maybe_billed = failure.maybe_billed || !completion_.text.empty();
    return failure;
  }
  if (nonsense_) return ProtocolFailure(head, "an event of the stream is no JSON object");
  CallFailure failure = ProtocolFailure(head, "the stream ended before the answer did");
  failure.cls = FailureClass::kTransport;
  return failure;
}

void CompletionStream::ReportUsage(std::optional<model::Usage> usage, std::string tier) {
  reported_ = usage.has_value();
  completion_.usage = usage;
  completion_.tier = std::move(tier);
}

std::variant<Completion, CallFailure> CompletionStream::Finish(const ports::HttpResponse& head,
                                                               base::WallTime now) {
  Complete(head);
  // What follows a whole answer doesn't make it less.
  if (whole_) return std::move(completion_);
  CallFailure failure = FailureOf(head, now);
  if (!reported_ && !failure.maybe_billed) return failure;
  failure.usage_is_partial = !reported_;
  return WithUsage(std::move(failure), completion_.usage, std::move(completion_.tier));
}

std::variant<Completion, CallFailure> DecodeStream(CompletionStream& stream,
                                                   const ports::HttpResponse& response,
                                                   base::WallTime now) {
  stream.Feed(response.body);
  return stream.Finish(response, now);
}

}  // namespace llmbatch::providers
