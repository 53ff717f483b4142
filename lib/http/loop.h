// What runs on the HTTP driver's thread: takes commands, runs transfers, posts completions.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "http/client.h"
#include "http/multi.h"
#include "http/transfer.h"
#include "model/ids.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "runtime/inbox.h"

namespace llmbatch::http {

class Loop {
 public:
  static base::Result<std::unique_ptr<Loop>> Create(ClientOptions options, runtime::Inbox& inbox);
  ~Loop();

  // From any thread.
  void Execute(std::vector<Command> commands);
  void RequestStop();

  // Until RequestStop(); then every call has been answered.
  void Run();

  // When the thread last came round. From any thread.
  base::Timestamp last_progress() const { return last_progress_; }

 private:
  // Transfers without a call, by provider, kept because a handle costs more to make than to use.
  struct Pool {
    Provider provider;
    std::vector<std::unique_ptr<Transfer>> idle;
  };
  struct HandedOver {
    base::Timestamp at;
    std::vector<Command> commands;
  };

  using Running = std::unordered_map<model::CallId, std::unique_ptr<Transfer>>;

  Loop(ClientOptions options, std::unique_ptr<Multi> multi, runtime::Inbox& inbox);

  Multi::Wait DecideToWait();
  // False: the loop is to end.
  bool TakeCommands();
  void Apply(Command command, base::Timestamp handed_over);
  void Start(ports::StartCall start, base::Timestamp handed_over);
  void Abort(model::CallId call);
  void AbortAll();
  void CollectFinished();
  // Ends those whose response came to a halt.
  void EndHalted();
  std::unique_ptr<Transfer> Take(Running::iterator running);
  void Complete(model::CallId call, ports::HttpOutcome outcome);
  std::unique_ptr<Transfer> TakeTransfer(Pool& pool);
  void GiveBack(std::unique_ptr<Transfer> transfer);

  runtime::Inbox& inbox_;
  std::map<std::string, Pool, std::less<>> pools_;
  std::unique_ptr<Multi> multi_;
  Running running_;
  std::set<model::CallId> may_halt_;  // of the running ones
  base::Timestamp next_halt_check_;
  std::vector<ports::Event> completed_;

  std::atomic<base::Timestamp> last_progress_;

  std::mutex mutex_;
  std::vector<HandedOver> handed_over_;  // guarded by mutex_
  bool waiting_ = false;                 // guarded by mutex_; whether the next command must wake it
  bool stopping_ = false;                // guarded by mutex_
};

}  // namespace llmbatch::http
