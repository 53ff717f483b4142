// What runs on the publisher's thread: sends records, posts what became of them.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kafka/handles.h"
#include "kafka/publisher.h"
#include "kafka/pulse.h"
#include "kafka/reporter.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "runtime/inbox.h"

namespace llmbatch::kafka {

class PublisherLoop {
 public:
  static base::Result<std::unique_ptr<PublisherLoop>> Create(PublisherOptions options,
                                                             runtime::Inbox& inbox);

  // From any thread.
  void Publish(std::vector<ports::PublishRecord> records);
  void RequestStop(base::Duration flush_timeout);
  Health health() const { return pulse_.Read(); }

  // Until RequestStop(); then every record has been answered.
  void Run();

 private:
  // librdkafka is given the address of one, and of its record's value: neither moves.
  struct Pending {
    ports::PublishRecord record;
    std::list<Pending>::iterator self;
  };
  struct Producer {
    ClientHandle client;
    QueueHandle queue;
  };

  PublisherLoop(PublisherOptions options, runtime::Inbox& inbox);

  base::Result<Producer> MakeProducer();
  void TakeRecords();
  void SendWaiting(base::Timestamp now);
  void Gather(base::Timestamp now);
  void OnReports(rd_kafka_op_s& event, base::Timestamp now);
  void OnError(rd_kafka_op_s& event, base::Timestamp now);
  void Answer(const Pending& pending, base::Result<void> outcome);
  void Break(base::Timestamp now);
  void Rebuild(base::Timestamp now);
  void End();

  const PublisherOptions options_;
  runtime::Inbox& inbox_;
  Reporter reporter_;
  Pulse pulse_;

  std::list<Pending> waiting_;  // to be sent, in order
  std::list<Pending> sent_;     // librdkafka has them; in the order they were sent
  std::vector<ports::Event> events_;
  std::optional<base::Timestamp> rebuild_at_;  // set while the producer is broken
  base::Duration rebuild_delay_;

  std::mutex mutex_;
  Producer producer_;  // replaced under mutex_, otherwise the thread's own. After what it points to
  std::vector<ports::PublishRecord> handed_over_;  // guarded by mutex_
  std::optional<base::Timestamp> stop_by_;         // guarded by mutex_
  bool ended_ = false;                             // guarded by mutex_
};

}  // namespace llmbatch::kafka
