// What the pipeline is told once, at its construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "admission/backoff.h"
#include "admission/limit_keeper.h"
#include "admission/permit_keeper.h"
#include "base/time.h"
#include "jobs/job_table.h"
#include "model/task.h"
#include "tokens/bpe.h"

namespace llmbatch::pipeline {

struct Topics {
  std::string results = "llm.results";
  std::string progress = "llm.progress";
  std::string dead_letters = "llm.dead-letters";
  std::string control = "llm.control";  // commands are read there
  std::map<std::string, std::string, std::less<>>
      bindings;  // existing topic → task that its values are inputs of
};

struct Limits {
  std::size_t max_message_bytes = 8U << 20;
  // Bytes of records read and not finished, over all partitions, each record counted with 2 KiB
  // more. A partition that has more than is left is paused, so that others never wait for it; it
  // goes on when it has less than half of that.
  std::int64_t max_pending_bytes = 32LL << 20;
  // A partition is paused when both are passed: how far reading is ahead of the lowest open record,
  // and the open records.
  std::int64_t max_span_records = 10'000;
  std::int64_t max_open_records = 500;
};

// Of documents that jobs name by reference.
struct DocumentLimits {
  std::int64_t max_bytes = 4LL << 20;        // of one
  std::int64_t max_job_bytes = 16LL << 20;   // of all of a job
  std::int64_t max_held_bytes = 64LL << 20;  // of all jobs under way; others wait
  std::int64_t max_parallel = 8;             // fetched at a time, over all jobs
  int max_attempts = 8;                      // of one, where trying again is of use
};

enum class Delivery {
  kAtLeastOnce,  // messages are acknowledged before their record's offset is committed
  kExactlyOnce   // both in one transaction
};

struct Budgets {
  model::BudgetCaps all;
  model::BudgetCaps each_user;  // items without a user are one user's

  bool by_user() const { return each_user.any(); }
};

struct Options {
  std::shared_ptr<const model::Catalog> catalog;
  // Counts tokens exactly for models with its tokenizer; nullptr: all are estimated.
  std::shared_ptr<const tokens::Bpe> bpe;
  Topics topics;
  Limits limits;
  std::string start_id;    // differs for every start of every replica: names its batches
  std::uint64_t seed = 1;  // of nonces and jitter
  admission::PermitOptions permits;
  admission::LimitOptions call_limits;
  Budgets budgets;
  admission::BackoffOptions backoff;
  jobs::JobOptions jobs;
  DocumentLimits documents;
  Delivery delivery = Delivery::kAtLeastOnce;
  base::Duration commit_interval = std::chrono::seconds(1);
  base::Duration transaction_interval = std::chrono::milliseconds(100);
  base::Duration drain_timeout = std::chrono::seconds(30);
  base::Duration revoke_timeout =
      std::chrono::seconds(3);  // for what is being published when partitions are revoked
  // A batch that was not answered so long after it was closed, isn't in flight and waits for no
  // rate or budget fails its items. A command waits as long for a record that can't be reached, and
  // a request for an outcome that another replica has claimed.
  base::Duration max_wait = std::chrono::hours(1);
  base::Duration probe_interval =
      std::chrono::seconds(30);  // a provider that refuses us altogether is tried this often
  base::Duration ledger_ttl = std::chrono::hours(24);
  base::Duration job_ttl = std::chrono::hours(24 * 7);  // of a job's record, from its last change
  // A cancellation waits so long for its job to come.
  base::Duration unknown_job_after = std::chrono::seconds(60);
  // A job waits so long for the next of the items that come in messages of their own, and such an
  // item for its job.
  base::Duration items_timeout = std::chrono::minutes(10);
};

}  // namespace llmbatch::pipeline
