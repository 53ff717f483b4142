// LocalCoordinator: permits and ledger for one replica on its own, in memory.
#pragma once

#include <cstddef>
#include <functional>

#include "admission/limit_book.h"
#include "admission/permit_book.h"
#include "base/time.h"
#include "coordinator/local_jobs.h"
#include "coordinator/local_ledger.h"
#include "coordinator/local_ratios.h"
#include "ports/commands.h"
#include "runtime/clock.h"
#include "runtime/inbox.h"

namespace llmbatch::coordinator {

struct LocalOptions {
  std::size_t max_ledger_bytes = std::size_t{64} << 20;
  std::size_t max_job_bytes = std::size_t{64} << 20;
  std::function<base::Timestamp()> clock = [] { return runtime::ReadClock().steady; };
};

// Takes the same commands as the one that lives in Redis and means the same by them, but what it
// knows ends with the process, and leases mean nothing: there is no one else to pass permits to.
// Completions are in the inbox when Execute() returns. Belongs to the main thread; has no other.
class LocalCoordinator {
 public:
  LocalCoordinator(LocalOptions options, runtime::Inbox& inbox);

  void Execute(const ports::SyncPermits& command);
  void Execute(const ports::ReserveCalls& command);
  void Execute(const ports::LookUpOutcomes& command);
  void Execute(const ports::ShareRatios& command);
  // There is no one else to tell.
  void Execute(const ports::HoldRoute&) {}
  // Every claim is ours, and ends with us.
  void Execute(const ports::MarkSent&) {}
  void Execute(const ports::ReleaseClaims& command);
  void Execute(ports::StoreOutcomes command);
  void Execute(const ports::TakeJobRecord& command);
  void Execute(const ports::SaveJobRecord& command);
  void Execute(const ports::AskJobMember& command);
  // A cancellation is pushed, too.
  void Execute(const ports::CommandJobRecord& command);
  // Nobody could put documents here.
  void Execute(const ports::FetchDocument& command);

 private:
  LocalOptions options_;
  runtime::Inbox& inbox_;
  admission::PermitBook permits_;
  admission::LimitBook limits_;
  LocalLedger ledger_;
  LocalJobs jobs_;
  LocalRatios ratios_;
};

}  // namespace llmbatch::coordinator
