// Metrics and log lines as values: the core says what happened, the main loop writes it down.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::ports {

// Every metric that the core reports. Names, help texts, labels and buckets stand in metrics/.
enum class Metric {
  kRecords,         // counter {outcome}
  kResults,         // counter {task, status, source}
  kItemErrors,      // counter {task, code}
  kDeadLetters,     // counter {reason}
  kBatches,         // counter {task, reason}: reason a batch was closed
  kBatchFillRatio,  // histogram {task}
  kBatchItems,      // histogram {task}
  kCalls,           // gauge {state}
  kCallsWaiting,    // gauge {reason}
  kCallSeconds,  // histogram {provider, model, outcome}: gen_ai_client_operation_duration_seconds
  kTokenUsage,   // histogram {provider, model, type}: gen_ai_client_token_usage
  kTokens,       // counter {provider, model, type}
  kCostUsd,      // counter {provider, model}
  kCostInDoubtUsd,      // counter {provider, model}
  kCostUnknown,         // counter {provider, model}
  kProviderRequests,    // counter {provider, model, outcome}
  kProviderRetries,     // counter {provider, model, reason}
  kProviderBreaker,     // gauge {provider}
  kRefusalBursts,       // counter {provider, model}
  kRateLimitRemaining,  // gauge {provider, model, kind}
  kEstimateRatio,       // gauge {provider, model, task}
  kAnswerRepairs,       // counter {task, kind}
  kAnswerEdits,         // counter {task, kind}
  kAnswerProblems,      // counter {task, problem}
  kCallsRepeated,       // counter {reason}
  kCallsCancelled,      // counter {provider, model}: given up because their job was cancelled
  kBudgetUsd,           // gauge {budget}: the cap
  kBudgetUsedUsd,       // gauge {budget}: spent and reserved by all replicas
  kPermitLimit,         // gauge: of the pool of all
  kPermitsUsed,         // gauge: over all replicas
  kPermitsHeld,         // gauge: by this replica
  kPermitsWaiting,      // gauge: calls of this replica
  kPoolLimit,           // gauge {pool}: of the pools besides that of all
  kPoolUsed,            // gauge {pool}: likewise, over all replicas
  kAdaptiveChange,      // gauge {pool, reason}: 1 for what changed its limit last
  kPermitWaitSeconds,   // histogram
  kPermitsLearnt,       // counter: times that nothing was granted until holders had told theirs
  kLedgerLookups,       // counter {outcome}
  kLedgerFailures,      // counter {operation}
  kJobs,                // counter {workflow, status}
  kJobsOpen,            // gauge: held by this replica
  kJobSeconds,          // histogram {workflow, status}: from its message to its end
  kDocuments,           // counter {store, outcome}
  kStageSeconds,        // histogram {stage}
  kOpenRecords,         // gauge
  kOldestOpenSeconds,   // gauge
  kPausedPartitions,    // gauge
  kPendingBytes,        // gauge
  kPublishFailures,     // counter {reason}: kind of error
  kCommits,             // counter {outcome}
  kDoneMapFill,         // gauge: of the partition with the fullest one, 0 to 1
  kDegraded,            // gauge {reason}
  kRedisUp,             // gauge
  kConfigReloads,       // counter {outcome}
  kConfigReloadOk,      // gauge: 1 unless the last reload was refused
  kConfigLoadedAt,      // gauge: seconds since 1970
  kCount,
};

inline constexpr std::size_t kMaxLabels = 3;

// Adds `value` to a counter, sets a gauge to it, or records it in a histogram.
struct Observe {
  Metric metric = Metric::kCount;
  double value = 1;
  // Label values in the order given above, from closed sets only; what a metric doesn't have stays
  // empty.
  std::array<std::string, kMaxLabels> labels;
};

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// One structured log line. Never has inputs, prompts, answers or credentials in it.
struct LogLine {
  struct Field {
    std::string name;
    std::string value;
  };
  LogLevel level = LogLevel::kInfo;
  std::string message;
  std::vector<Field> fields;
};

}  // namespace llmbatch::ports
