#include "kafka/publisher.h"

#include <system_error>
#include <utility>

#include "kafka/publisher_loop.h"

namespace llmbatch::kafka {

base::Result<std::unique_ptr<Publisher>> Publisher::Start(PublisherOptions options,
                                                          runtime::Inbox& inbox) {
  auto loop = PublisherLoop::Create(std::move(options), inbox);
  if (!loop) return loop.error();
  try {
    return std::unique_ptr<Publisher>(new Publisher(std::move(loop).value()));
  } catch (const std::system_error&) {
    return base::MakeError(base::ErrorKind::kInternal, "kafka: no thread can be started");
  }
}

Publisher::Publisher(std::unique_ptr<PublisherLoop> loop)
    : loop_(std::move(loop)), thread_([this] { loop_->Run(); }) {}

Publisher::~Publisher() { Stop(base::Duration(0)); }

void Publisher::Publish(std::vector<ports::PublishRecord> records) {
  loop_->Publish(std::move(records));
}

void Publisher::Stop(base::Duration flush_timeout) {
  if (!thread_.joinable()) return;
  loop_->RequestStop(flush_timeout);
  thread_.join();
}

Health Publisher::health() const { return loop_->health(); }

}  // namespace llmbatch::kafka
