#include "http/client.h"

#include <system_error>
#include <utility>

#include "http/loop.h"

namespace llmbatch::http {

base::Result<std::unique_ptr<Client>> Client::Start(ClientOptions options, runtime::Inbox& inbox) {
  auto loop = Loop::Create(std::move(options), inbox);
  if (!loop) return loop.error();
  try {
    return std::unique_ptr<Client>(new Client(std::move(loop).value()));
  } catch (const std::system_error&) {
    return base::MakeError(base::ErrorKind::kInternal, "http: no thread can be started");
  }
}

Client::Client(std::unique_ptr<Loop> loop)
    : loop_(std::move(loop)), thread_([this] { loop_->Run(); }) {}

Client::~Client() { Stop(); }

void Client::Execute(std::vector<Command> commands) { loop_->Execute(std::move(commands)); }

void Client::Stop() {
  if (!thread_.joinable()) return;
  loop_->RequestStop();
  thread_.join();
}

base::Timestamp Client::last_progress() const { return loop_->last_progress(); }

}  // namespace llmbatch::http
