// TransactionalProducer: librdkafka's transactions, one at a time, each with a definite end.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kafka/handles.h"
#include "kafka/pulse.h"
#include "kafka/reporter.h"
#include "kafka/transactor.h"
#include "model/ids.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::kafka {

// Belongs to one thread.
class TransactionalProducer {
 public:
  // Connects, ends what an earlier producer of the same transactional id has left open, and fences
  // it off. Blocks for as long as `init_timeout`. What blocks tells `pulse` all the time that it
  // isn't stuck. Options, pulse and `give_up` must outlive it.
  static base::Result<std::unique_ptr<TransactionalProducer>> Create(
      const TransactorOptions& options, std::shared_ptr<Reporter> reporter, Pulse& pulse,
      const std::atomic<bool>& give_up);

  // Blocks until the transaction has ended, or `give_up` is set. `member` is whose offsets these
  // are.
  ports::TransactionEnded Run(const ports::RunTransaction& transaction,
                              std::shared_ptr<const rd_kafka_consumer_group_metadata_s> member);

  // It can't run another one; only a new producer can.
  bool broken() const { return broken_; }

 private:
  struct Outcome {
    base::Result<void> result;
    std::vector<model::PublishId> too_large;
  };

  TransactionalProducer(ClientHandle client, const TransactorOptions& options,
                        std::shared_ptr<Reporter> reporter, Pulse& pulse,
                        const std::atomic<bool>& give_up);

  // To be waited on, until then.
  bool Waits(base::Timestamp until) const;
  // Calls librdkafka again while its error says that this may help.
  template <typename F>
  ErrorHandle Persist(base::Timestamp until, F call) const;

  Outcome WriteRecords(const std::vector<ports::PublishRecord>& records);
  // Waits a moment for reports. `open`: how many are to come.
  void TakeReports(std::size_t& open, Outcome& outcome);
  void OnReport(const ports::PublishRecord& record, int code, Outcome& outcome);
  base::Result<void> SendOffsets(const std::vector<ports::PartitionOffset>& offsets,
                                 std::shared_ptr<const rd_kafka_consumer_group_metadata_s> member);
  base::Result<void> Commit();
  void Abort();
  // Whether the producer can go on after this error.
  base::Error Judge(const rd_kafka_error_s& error, const std::string& what);

  const TransactorOptions& options_;
  const std::shared_ptr<Reporter> reporter_;
  Pulse& pulse_;
  const std::atomic<bool>& give_up_;
  // Shared with a call into librdkafka that doesn't come back.
  std::shared_ptr<rd_kafka_s> client_;
  QueueHandle queue_;
  bool broken_ = false;
};

}  // namespace llmbatch::kafka
