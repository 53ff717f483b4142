// Transactor: writes records and commits offsets in Kafka transactions, on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/time.h"
#include "kafka/connection.h"
#include "kafka/handles.h"
#include "kafka/health.h"
#include "kafka/pulse.h"
#include "kafka/reporter.h"
#include "ports/commands.h"
#include "runtime/inbox.h"

namespace llmbatch::kafka {

class TransactionalProducer;

struct TransactorOptions {
  Connection connection;
  // The same for every start of one replica, and no other's: a restarted replica ends at once what
  // it left open, which readers of committed records wait for.
  std::string transactional_id;
  std::int64_t max_message_bytes = 8LL << 20;  // key and headers included
  std::string compression = "none";            // none, gzip, snappy, lz4 or zstd
  base::Duration transaction_timeout = std::chrono::seconds(30);
  base::Duration offsets_timeout = std::chrono::seconds(15);
  base::Duration init_timeout = std::chrono::seconds(10);
};

// Answers each RunTransaction by exactly one TransactionEnded. After anything that leaves its
// producer in doubt (a fence, a fatal error, an end that was not confirmed) the next transaction
// has a new one, which first ends what the old one left open.
class Transactor {
 public:
  // Waits for no broker. The error names the option or property. The inbox must outlive it.
  static base::Result<std::unique_ptr<Transactor>> Start(TransactorOptions options,
                                                         runtime::Inbox& inbox);
  ~Transactor();
  Transactor(const Transactor&) = delete;
  Transactor& operator=(const Transactor&) = delete;

  // From any thread; never blocks. REQUIRES: the transaction before has been answered. Without
  // `member` the transaction fails: the assignment that it is about is over.
  void Execute(ports::RunTransaction transaction,
               std::shared_ptr<const rd_kafka_consumer_group_metadata_s> member);

  // Gives up the transaction under way, which is answered, and ends the thread.
  void Stop();

  // From any thread.
  Health health() const { return pulse_.Read(); }

 private:
  struct Task {
    ports::RunTransaction transaction;
    std::shared_ptr<const rd_kafka_consumer_group_metadata_s> member;
  };

  Transactor(TransactorOptions options, runtime::Inbox& inbox);

  void Run();
  base::Result<void> EnsureProducer();
  ports::TransactionEnded RunTask(Task task);

  const TransactorOptions options_;
  runtime::Inbox& inbox_;
  const std::shared_ptr<Reporter> reporter_;  // shared with a client that is slow to end
  Pulse pulse_;
  std::atomic<bool> give_up_ = false;
  std::unique_ptr<TransactionalProducer> producer_;  // the thread's own; null: none yet, or broken

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Task> task_;  // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
  std::thread thread_;        // last: it uses all the others
};

}  // namespace llmbatch::kafka
