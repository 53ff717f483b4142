#include "kafka/reporter.h"

#include <librdkafka/rdkafka.h>

#include <utility>

#include "kafka/errors.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

constexpr base::Duration kInterval = std::chrono::minutes(1);
constexpr std::size_t kMaxTopics = 256;

// By the numbers of syslog.
ports::LogLevel LevelOf(int severity) {
  if (severity <= 3) return ports::LogLevel::kError;
  if (severity == 4) return ports::LogLevel::kWarning;
  if (severity <= 6) return ports::LogLevel::kInfo;
  return ports::LogLevel::kDebug;
}

void OnLog(const rd_kafka_t* client, int severity, const char* facility, const char* text) {
  auto* reporter = static_cast<Reporter*>(rd_kafka_opaque(client));
  reporter->Report(LevelOf(severity), facility, text);
}

}  // namespace

Reporter::Reporter(LogSink sink, std::string client)
    : client_(std::move(client)), sink_(std::move(sink)) {}

void Reporter::Report(ports::LogLevel level, const std::string& topic, std::string message) {
  const base::Timestamp now = runtime::ReadClock().steady;
  const std::lock_guard lock(mutex_);
  if (!sink_) return;
  if (told_.size() >= kMaxTopics) told_.clear();
  const auto [it, is_new] = told_.try_emplace(topic, Told{.at = now});
  if (!is_new && now - it->second.at < kInterval) {
    ++it->second.held_back;
    return;
  }
  ports::LogLine line{.level = level,
                      .message = "kafka: " + std::move(message),
                      .fields = {{.name = "client", .value = client_}}};
  const std::int64_t held_back = std::exchange(it->second, Told{.at = now}).held_back;
  if (held_back > 0) line.fields.push_back({"held_back", std::to_string(held_back)});
  sink_(std::move(line));
}

void Reporter::Mute() {
  const std::lock_guard lock(mutex_);
  sink_ = nullptr;
}

void Reporter::ReportError(int code, const std::string& what) {
  Report(ports::LogLevel::kWarning, what + NameOf(code), ToError(code, what).message);
}

void Reporter::Listen(rd_kafka_conf_s& conf) {
  rd_kafka_conf_set_opaque(&conf, this);
  rd_kafka_conf_set_log_cb(&conf, OnLog);
}

}  // namespace llmbatch::kafka
