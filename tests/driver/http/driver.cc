#include "driver/http/driver.h"

#include <gtest/gtest.h>

#include <utility>
#include <variant>

#include "runtime/clock.h"

namespace llmbatch::http {
namespace {

std::vector<ports::CallCompleted> Completions(std::vector<ports::Event> events) {
  std::vector<ports::CallCompleted> completions;
  for (ports::Event& event : events) {
    completions.push_back(std::get<ports::CallCompleted>(std::move(event)));
  }
  return completions;
}

}  // namespace

Endpoint LocalEndpoint(std::string base_url) {
  Endpoint endpoint;
  endpoint.base_url = std::move(base_url);
  endpoint.allow_private = true;
  return endpoint;
}

ports::StartCall Post(std::uint64_t call, std::string body) {
  return {.call = model::CallId{call},
          .request = {.provider = "twin",
                      .path = "/chat",
                      .headers = {{"Content-Type", "application/json"}},
                      .body = std::move(body),
                      .timeout = std::chrono::seconds(10),
                      .max_response_bytes = 1024 * 1024}};
}

Driver::Driver(Endpoint endpoint) {
  ClientOptions options;
  options.endpoints.emplace("twin", std::move(endpoint));
  auto client = Client::Start(std::move(options), inbox_);
  EXPECT_TRUE(client.ok()) << (client.ok() ? "" : client.error().message);
  client_ = std::move(client).value();
}

ports::HttpOutcome Driver::Run(ports::StartCall start) {
  const model::CallId call = start.call;
  std::vector<Command> commands;
  commands.emplace_back(std::move(start));
  Execute(std::move(commands));
  auto completed = Wait(1);
  if (completed.size() != 1 || completed[0].call != call) {
    ADD_FAILURE() << "not completed, or another call";
    return ports::TransportFailure{};
  }
  return std::move(completed[0].outcome);
}

std::vector<ports::CallCompleted> Driver::Wait(std::size_t count) {
  const base::Timestamp deadline = runtime::ReadClock().steady + std::chrono::seconds(10);
  std::vector<ports::CallCompleted> completed;
  while (completed.size() < count) {
    auto more = Completions(inbox_.WaitUntil(deadline));
    if (more.empty()) break;
    completed.insert(completed.end(), std::make_move_iterator(more.begin()),
                     std::make_move_iterator(more.end()));
  }
  return completed;
}

std::vector<ports::CallCompleted> Driver::TakeAll() {
  return Completions(inbox_.WaitUntil(runtime::ReadClock().steady));
}

std::string Summary(const ports::HttpOutcome& outcome) {
  if (const auto* response = std::get_if<ports::HttpResponse>(&outcome)) {
    return std::to_string(response->status) + " " + response->body;
  }
  const auto& failure = std::get<ports::TransportFailure>(outcome);
  return std::string(ports::ToString(failure.fault)) +
         (failure.maybe_processed ? ", maybe processed" : ", not processed");
}

}  // namespace llmbatch::http

#ifdef __SANITIZE_THREAD__
// libcurl tells of the end of a socket that was still connecting after it closed it, and its number
// may be another thread's by then; epoll refuses it, because it watches no such socket.
extern "C" const char* __tsan_default_suppressions() {
  return "race:llmbatch::http::Multi::Watch\n";
}
#endif
