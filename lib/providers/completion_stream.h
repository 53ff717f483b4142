// CompletionStream: a streamed answer, put together from its events.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/time.h"
#include "json/value.h"
#include "ports/record.h"
#include "providers/chat_request.h"
#include "providers/failure.h"
#include "providers/sse.h"

namespace llmbatch::providers {

// Whether a response with a status of success is such a stream.
bool IsEventStream(const ports::HttpResponse& response);

// What the streams of all formats have in common: events are JSON objects, one of them may tell of
// an error, and only a format's own mark says that the answer is whole. Serves one answer.
class CompletionStream : private SseParser::Listener {
 public:
  CompletionStream() = default;
  CompletionStream(const CompletionStream&) = delete;
  CompletionStream& operator=(const CompletionStream&) = delete;
  ~CompletionStream() override = default;

  // The bytes of the body, in pieces of any size. What follows the end of the answer is dropped.
  void Feed(std::string_view bytes) { parser_.Feed(bytes, *this); }
  // Whether there is nothing left to wait for: the mark of the end, or an error.
  bool ended() const { return ended_ || error_ || nonsense_; }
  // Once, after the last byte. `head` is the response's status and headers. An answer without its
  // mark is a failure that may pass, and may have been billed.
  std::variant<Completion, CallFailure> Finish(const ports::HttpResponse& head, base::WallTime now);

 protected:
  // `event` may be empty; `root` is an object without an error.
  virtual void OnObject(std::string_view event, json::Value root) = 0;
  // Data that is no JSON; whether it means something.
  virtual bool OnWord(std::string_view /*data*/) { return false; }
  // At the end: puts together what wasn't before.
  virtual void Complete(const ports::HttpResponse& head) = 0;

  // The answer is whole, though something about it may follow.
  void SetWhole() { whole_ = true; }
  // The answer is whole, and nothing follows.
  void End() { whole_ = ended_ = true; }
  // The answer is an error: an object as a body of an error would be.
  void Fail(std::string error_json) { error_ = std::move(error_json); }
  // What it used all the same, in whole.
  void ReportUsage(std::optional<model::Usage> usage, std::string tier);
  Completion& completion() { return completion_; }
  // From that header or else `id`, if it is fit for logs.
  static std::string RequestId(const ports::HttpResponse& head, std::string_view header,
                               std::string_view id);

 private:
  void OnEvent(std::string_view event, std::string_view data) final;
  CallFailure FailureOf(const ports::HttpResponse& head, base::WallTime now) const;

  SseParser parser_;
  Completion completion_;
  bool whole_ = false;
  bool ended_ = false;
  bool reported_ = false;             // by an error: what was used
  bool nonsense_ = false;             // an event that is no JSON object
  std::optional<std::string> error_;  // the event that told of it
};

// All of a response's body at once.
std::variant<Completion, CallFailure> DecodeStream(CompletionStream& stream,
                                                   const ports::HttpResponse& response,
                                                   base::WallTime now);

}  // namespace llmbatch::providers
