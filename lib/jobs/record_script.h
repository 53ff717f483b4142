// The script that keeps the records of jobs in Redis, and their indexes.
#pragma once

#include <string>
#include <string_view>

namespace llmbatch::jobs {

// All keys of one deployment's records, below `prefix` = "{namespace}:":
//   job:<id>                  hash: the record, see the script's first lines
//   job-members:<id>          hash: how items that came in messages of their own have ended
//   job-batches:<id>          hash: the batches that its items are or were in, as JSON
//   job-request:<id>          the job's message, if it is larger than 16 KiB; else in the record
//   job-result:<id>           the job's result likewise
//   jobs:user:<user>          sorted set of the user's jobs by the time they were made
//   jobs:user-<status>:<user> likewise by the time of the last change, one a status
//   jobs:status:<status>      the same of all users
//   jobs:open                 jobs that have not ended: higher priority first, then older
//   jobs:control              channel: ids of jobs to be cancelled
// KEYS[1]: job:<id>. ARGV: operation, prefix, now and lifetime in milliseconds, job's id, and what
// the operation needs:
//   take     user, content, workflow, task, priority, request, topic, identity, retry_of
//            → {state, epoch, sequence, percent, event, result, identity, cancel, status}, then the
//            id and value of each member of a job that was interrupted. One that has ended and
//            whose result was evicted begins anew
//   save     epoch, status, sequence, percent, event, result, the number of members, then the id
//            and value of each member and of each batch → 0 refused, 1 saved, 2 and cancel.
//            Sequence 0: only these are kept
//   member   item's id → {"unknown" | "open" | "ended", status, value}
//   cancel   user → {"done" | "unknown" | "other_user" | "illegal", status}
//   retry    user → the same, with request, topic, identity
std::string_view RecordScript();

// Keys, as told above.
std::string RecordKey(std::string_view prefix, std::string_view job_id);
std::string BatchesKey(std::string_view prefix, std::string_view job_id);
std::string UserKey(std::string_view prefix, std::string_view user_id);
std::string UserStatusKey(std::string_view prefix, std::string_view user_id,
                          std::string_view status);
std::string StatusKey(std::string_view prefix, std::string_view status);
std::string ControlChannel(std::string_view prefix);

}  // namespace llmbatch::jobs
