// How llmbatchctl ends.
#pragma once

namespace llmbatch::ctl {

enum ExitCode {
  kExitDone = 0,
  kExitFailure = 1,
  kExitUsage = 2,
  // Done, but something was left over: letters that can't be replayed, items that failed, prices
  // that are old.
  kExitLeftOver = 3,
  kExitTooLate = 4,  // the timeout came first
  kExitJobFailed = 5,
  kExitJobCancelled = 6,
  kExitConfiguration = 78,
};

}  // namespace llmbatch::ctl
