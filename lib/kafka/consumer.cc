#include "kafka/consumer.h"

#include <system_error>
#include <utility>

#include "kafka/consumer_loop.h"

namespace llmbatch::kafka {

base::Result<std::unique_ptr<Consumer>> Consumer::Start(ConsumerOptions options,
                                                        runtime::Inbox& inbox) {
  auto loop = ConsumerLoop::Create(std::move(options), inbox);
  if (!loop) return loop.error();
  try {
    return std::unique_ptr<Consumer>(new Consumer(std::move(loop).value()));
  } catch (const std::system_error&) {
    return base::MakeError(base::ErrorKind::kInternal, "kafka: no thread can be started");
  }
}

Consumer::Consumer(std::unique_ptr<ConsumerLoop> loop)
    : loop_(std::move(loop)), thread_([this] { loop_->Run(); }) {}

Consumer::~Consumer() {
  loop_->RequestEnd();
  thread_.join();
}

void Consumer::Execute(std::vector<ConsumerCommand> commands) {
  loop_->Execute(std::move(commands));
}

Health Consumer::health() const { return loop_->health(); }

std::vector<PartitionLag> Consumer::Lag() const { return loop_->Lag(); }

std::shared_ptr<const rd_kafka_consumer_group_metadata_s> Consumer::Membership(
    std::int64_t assignment) const {
  return loop_->Membership(assignment);
}

}  // namespace llmbatch::kafka
