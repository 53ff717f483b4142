#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "http/client.h"
#include "http_load.h"
#include "runtime/inbox.h"

namespace llmbatch::bench {
namespace {

constexpr std::int64_t kMaxResponseBytes = 4 * 1024 * 1024;

http::Command MakeCall(std::int64_t number, const std::string& body) {
  return ports::StartCall{.call = {.value = static_cast<std::uint64_t>(number)},
                          .request = {.provider = "twin",
                                      .path = "/chat/completions",
                                      .headers = {{"Content-Type", "application/json"}},
                                      .body = body,
                                      .timeout = std::chrono::minutes(10),
                                      .max_response_bytes = kMaxResponseBytes}};
}

bool Succeeded(const ports::Event& event) {
  const auto& completed = std::get<ports::CallCompleted>(event);
  const auto* response = std::get_if<ports::HttpResponse>(&completed.outcome);
  return response != nullptr && response->status == 200 && !response->body.empty();
}

}  // namespace

std::optional<std::int64_t> RunDriver(const HttpLoad& load) {
  runtime::Inbox inbox;
  http::ClientOptions options;
  http::Endpoint& endpoint = options.endpoints["twin"];
  endpoint.base_url = load.base_url;
  endpoint.allow_private = true;
  endpoint.credentials.push_back({"Authorization", "Bearer ", base::Secret("none")});
  endpoint.max_connections = load.in_flight;
  auto client = http::Client::Start(std::move(options), inbox);
  if (!client) return std::nullopt;

  const std::string body = ChatCompletion(1024);
  std::int64_t started = 0;
  std::int64_t finished = 0;
  std::int64_t failed = 0;
  std::vector<http::Command> commands;
  for (std::int64_t i = 0; i < load.in_flight && started < load.requests; ++i) {
    commands.push_back(MakeCall(++started, body));
  }
  while (finished < load.requests) {
    (*client)->Execute(std::exchange(commands, {}));
    for (const ports::Event& event : inbox.WaitUntil(std::nullopt)) {
      ++finished;
      if (!Succeeded(event)) ++failed;
      if (started < load.requests) commands.push_back(MakeCall(++started, body));
    }
  }
  return failed;
}

}  // namespace llmbatch::bench
