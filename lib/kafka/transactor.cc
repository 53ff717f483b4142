#include "kafka/transactor.h"

#include <system_error>
#include <utility>

#include "kafka/transactional_producer.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

constexpr auto kIdle = std::chrono::seconds(1);

ports::TransactionEnded Failed(const ports::RunTransaction& transaction, base::Error error) {
  return {.commit = transaction.commit, .outcome = std::move(error), .too_large = {}};
}

}  // namespace

base::Result<std::unique_ptr<Transactor>> Transactor::Start(TransactorOptions options,
                                                            runtime::Inbox& inbox) {
  if (options.transactional_id.empty()) return base::Invalid("kafka: no transactional.id");
  try {
    return std::unique_ptr<Transactor>(new Transactor(std::move(options), inbox));
  } catch (const std::system_error&) {
    return base::MakeError(base::ErrorKind::kInternal, "kafka: no thread can be started");
  }
}

Transactor::Transactor(TransactorOptions options, runtime::Inbox& inbox)
    : options_(std::move(options)),
      inbox_(inbox),
      reporter_(std::make_shared<Reporter>(options_.connection.log, "publisher")),
      thread_([this] { Run(); }) {}

Transactor::~Transactor() { Stop(); }

void Transactor::Execute(ports::RunTransaction transaction,
                         std::shared_ptr<const rd_kafka_consumer_group_metadata_s> member) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      task_ = Task{.transaction = std::move(transaction), .member = std::move(member)};
      changed_.notify_one();
      return;
    }
  }
  inbox_.Post(
      Failed(transaction, base::MakeError(base::ErrorKind::kAborted, "the publisher has ended")));
}

void Transactor::Stop() {
  give_up_ = true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Transactor::Run() {
  while (true) {
    pulse_.Progress(runtime::ReadClock().steady);
    // Also without a transaction to run: what an earlier start has left open keeps the committed
    // offsets unreadable, and so keeps us from being assigned anything.
    const base::Result<void> ready = EnsureProducer();
    std::optional<Task> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kIdle, [this] { return task_ || stopping_; });
      task = std::exchange(task_, std::nullopt);
      if (!task && stopping_) break;
    }
    if (!task) continue;
    inbox_.Post(ready ? RunTask(*std::move(task)) : Failed(task->transaction, ready.error()));
  }
  producer_.reset();
  reporter_->Mute();
}

base::Result<void> Transactor::EnsureProducer() {
  if (producer_) return {};
  auto fresh = TransactionalProducer::Create(options_, reporter_, pulse_, give_up_);
  if (!fresh) {
    reporter_->Report(ports::LogLevel::kError, "create", fresh.error().message);
    return fresh.error();
  }
  producer_ = std::move(fresh).value();
  if (pulse_.Read().broken) pulse_.Rebuilt();
  return {};
}

ports::TransactionEnded Transactor::RunTask(Task task) {
  if (task.member == nullptr) {
    return Failed(task.transaction,
                  base::MakeError(base::ErrorKind::kAborted, "the partitions have been given up"));
  }
  ports::TransactionEnded ended = producer_->Run(task.transaction, std::move(task.member));
  if (!ended.outcome) {
    reporter_->Report(ports::LogLevel::kWarning, "transaction",
                      "a transaction failed: " + ended.outcome.error().message);
  }
  if (producer_->broken()) {
    pulse_.Broken();
    producer_.reset();
  }
  return ended;
}

}  // namespace llmbatch::kafka
