// Drivers: everything that waits for the outside world, and the way from a command to the one that
// carries it out.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "coordinator/local_coordinator.h"
#include "http/client.h"
#include "http/document_client.h"
#include "kafka/connection.h"
#include "kafka/consumer.h"
#include "kafka/publisher.h"
#include "kafka/transactor.h"
#include "logging/logger.h"
#include "metrics/metrics.h"
#include "ports/commands.h"
#include "redis/coordinator.h"
#include "runtime/inbox.h"

namespace llmbatch::daemon {

// What the configuration says of Kafka and of the providers, as their drivers take it.
kafka::Connection ConnectionTo(const config::Kafka& kafka, kafka::LogSink log);
http::ClientOptions EndpointsOf(const config::Config& config);

// A thread that hasn't come round for so long hangs.
inline constexpr base::Duration kHangs = std::chrono::seconds(30);

// Belongs to the main thread.
class Drivers {
 public:
  // Inbox, metrics and logger must outlive the drivers.
  static base::Result<std::unique_ptr<Drivers>> Start(const config::Config& config,
                                                      const std::string& start_id,
                                                      runtime::Inbox& inbox,
                                                      metrics::Metrics& metrics,
                                                      logging::Logger& logger);

  // Never blocks. Hands each driver all of its commands in one go.
  void Execute(ports::Commands commands);
  // What only the drivers know, for the metrics.
  void ReportLag();
  // The threads that poll Kafka, publish and call have come round lately.
  bool alive(base::Timestamp now) const;
  // Ends all threads. Completions that come meanwhile are of no use any more.
  void Stop();

 private:
  Drivers(metrics::Metrics& metrics, logging::Logger& logger)
      : metrics_(metrics), logger_(logger) {}
  base::Result<void> StartPublishing(const config::Kafka& kafka, const kafka::LogSink& log,
                                     runtime::Inbox& inbox);
  void Transact(ports::RunTransaction transaction);
  template <typename C>
  void Coordinate(C command);
  void Fetch(ports::FetchDocument command);

  std::set<model::TopicPartition> lag_reported_;
  metrics::Metrics& metrics_;
  logging::Logger& logger_;
  std::unique_ptr<http::Client> http_;
  std::unique_ptr<http::DocumentClient> documents_;
  std::unique_ptr<kafka::Publisher> publisher_;    // for at least once
  std::unique_ptr<kafka::Transactor> transactor_;  // for exactly once
  std::unique_ptr<kafka::Consumer> consumer_;
  std::unique_ptr<redis::RedisCoordinator> redis_;
  std::unique_ptr<coordinator::LocalCoordinator> local_;
};

}  // namespace llmbatch::daemon
