#include "redis/wake_listener.h"

#include "redis/requests.h"
#include "redis/signals.h"

namespace llmbatch::redis {
namespace {

// So that a connection that died without a word is noticed.
constexpr base::Duration kPingAfter = std::chrono::seconds(5);

bool IsMessage(ReplyView reply) { return reply.Size() == 3 && reply.At(0).Text() == "message"; }

}  // namespace

WakeListener::WakeListener(WakeListenerOptions options, runtime::Inbox& inbox)
    : options_(std::move(options)),
      inbox_(inbox),
      reconnect_(options_.reconnect),
      thread_([this] { Run(); }) {}

WakeListener::~WakeListener() {
  stop_.Raise();
  thread_.join();
}

void WakeListener::Run() {
  BlockBrokenPipeSignal();
  while (!stop_.raised()) {
    auto connection = Connection::Open(options_.address, options_.timeouts, stop_.fd());
    if (connection) Listen(*connection);
    reconnect_.Wait(stop_.fd());
  }
}

void WakeListener::Listen(Connection& connection) {
  for (const std::string& channel :
       {options_.wake_channel, options_.hold_channel, options_.cancel_channel}) {
    if (!connection.Send({"SUBSCRIBE", channel})) return;
    const auto subscribed = connection.Receive(options_.timeouts.reply);
    if (!subscribed || !*subscribed) return;
    if (const ReplyView reply = (*subscribed)->view(); reply.IsError()) {
      return LogRefusal(ErrorFrom(reply, connection.server()));
    }
  }
  reconnect_.Reset();
  inbox_.Post(ports::PermitsOffered{});
  bool pinged = false;
  for (;;) {
    const auto reply = connection.Receive(pinged ? options_.timeouts.reply : kPingAfter);
    if (!reply || (!*reply && pinged)) return;
    pinged = !*reply;
    if (pinged && !connection.Send({"PING"})) return;
    if (*reply && IsMessage((*reply)->view())) Tell((*reply)->view());
  }
}

void WakeListener::Tell(ReplyView message) {
  const auto channel = message.At(1).Text();
  if (channel == options_.hold_channel) {
    if (auto hold = ReadHold(message.At(2).Text().value_or("")))
      inbox_.Post(ports::RouteHeld{*std::move(hold)});
  } else if (channel == options_.cancel_channel) {
    if (const auto job = message.At(2).Text())
      inbox_.Post(ports::JobCancelRequested{.job_id = std::string(*job)});
  } else {
    inbox_.Post(ports::PermitsOffered{});
  }
}

// A server that is away is the coordinator's to report.
void WakeListener::LogRefusal(const base::Error& error) {
  if (refusal_logged_ || !options_.log) return;
  refusal_logged_ = true;
  options_.log({.level = ports::LogLevel::kWarning,
                .message = "No wake-ups from Redis: free permits are noticed with a delay",
                .fields = {{"reason", error.message}}});
}

}  // namespace llmbatch::redis
