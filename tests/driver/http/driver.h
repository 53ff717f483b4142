// The driver under test with its inbox, and short words for what tests do with them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "http/client.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "ports/record.h"
#include "runtime/inbox.h"

namespace llmbatch::http {

// A provider at this URL that may be private.
Endpoint LocalEndpoint(std::string base_url);

// A POST to "/chat" of the provider "twin", which may take ten seconds and answer with 1 MiB.
ports::StartCall Post(std::uint64_t call, std::string body = R"({"q":1})");

class Driver {
 public:
  // With the one provider "twin". Fails the test if the client doesn't start.
  explicit Driver(Endpoint endpoint);

  void Execute(std::vector<Command> commands) { client_->Execute(std::move(commands)); }
  // Hands it over and waits for its completion.
  ports::HttpOutcome Run(ports::StartCall start);
  // The next `count` completions. Fewer: ten seconds have passed.
  std::vector<ports::CallCompleted> Wait(std::size_t count);
  // Completions that are in the inbox now.
  std::vector<ports::CallCompleted> TakeAll();
  Client& client() { return *client_; }
  void Destroy() { client_.reset(); }

 private:
  runtime::Inbox inbox_;
  std::unique_ptr<Client> client_;
};

// One line to compare with: "200 body", or "timeout, maybe processed".
std::string Summary(const ports::HttpOutcome& outcome);

}  // namespace llmbatch::http
