// Reporter: log lines of one client, the same thing not more than once a minute.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/time.h"
#include "kafka/connection.h"
#include "kafka/handles.h"
#include "ports/observe.h"

namespace llmbatch::kafka {

// From any thread.
class Reporter {
 public:
  // `client`: "consumer" or "publisher", a field of every line.
  Reporter(LogSink sink, std::string client);

  // Lines of one `topic` are the same thing.
  void Report(ports::LogLevel level, const std::string& topic, std::string message);
  // An error that librdkafka told: "what: NAME (words)".
  void ReportError(int code, const std::string& what);

  // Nothing is told any more when it returns.
  void Mute();

  // Takes librdkafka's own log lines too. The reporter must outlive the client that is made of it.
  void Listen(rd_kafka_conf_s& conf);

 private:
  struct Told {
    base::Timestamp at;
    std::int64_t held_back = 0;
  };

  const std::string client_;
  std::mutex mutex_;
  LogSink sink_;                      // guarded by mutex_
  std::map<std::string, Told> told_;  // guarded by mutex_
};

}  // namespace llmbatch::kafka
