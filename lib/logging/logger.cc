#include "logging/logger.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <string_view>

#include "base/time.h"
#include "base/utf8.h"
#include "json/writer.h"
#include "logging/redactor.h"

namespace llmbatch::logging {
namespace {

constexpr std::size_t kMaxTextBytes = 4096;

std::string_view NameOf(ports::LogLevel level) {
  switch (level) {
    case ports::LogLevel::kDebug:
      return "debug";
    case ports::LogLevel::kInfo:
      return "info";
    case ports::LogLevel::kWarning:
      return "warning";
    case ports::LogLevel::kError:
      return "error";
  }
  return "error";
}

// Priorities of syslog(3), as the journal reads them.
std::string_view PriorityOf(ports::LogLevel level) {
  switch (level) {
    case ports::LogLevel::kDebug:
      return "<7>";
    case ports::LogLevel::kInfo:
      return "<6>";
    case ports::LogLevel::kWarning:
      return "<4>";
    case ports::LogLevel::kError:
      return "<3>";
  }
  return "<3>";
}

}  // namespace

struct Logger::Impl {
  explicit Impl(const LoggerOptions& options)
      : level(options.level),
        journal_priorities(options.journal_priorities),
        sink("llmbatchd", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    sink.set_pattern("%v");
    sink.set_level(spdlog::level::trace);
  }

  // Before it is quoted, so that no secret can be cut in two by an escape, and no structure be hit.
  std::string Clean(const std::string& text) const {
    return std::string(base::TruncateUtf8(redactor.Redact(text), kMaxTextBytes));
  }

  std::string ToJson(const ports::LogLine& line) const {
    const base::WallTime now(std::chrono::system_clock::now().time_since_epoch());
    json::Writer writer;
    writer.BeginObject().Key("ts").String(base::FormatRfc3339(now));
    writer.Key("level").String(NameOf(line.level)).Key("msg").String(Clean(line.message));
    for (const ports::LogLine::Field& field : line.fields) {
      writer.Key(field.name).String(Clean(field.value));
    }
    return writer.EndObject().Take();
  }

  const ports::LogLevel level;
  const bool journal_priorities;
  mutable std::shared_mutex mutex;  // guards redactor
  Redactor redactor;
  spdlog::logger sink;
};

bool WritesToJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  // The variable is inherited by processes whose standard error goes elsewhere.
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

Logger::Logger(LoggerOptions options) : impl_(std::make_unique<Impl>(options)) {
  AddSecrets(options.secrets);
}
Logger::~Logger() = default;

void Logger::Write(const ports::LogLine& line) {
  if (line.level < impl_->level) return;
  std::string text;
  {
    const std::shared_lock lock(impl_->mutex);
    text = impl_->ToJson(line);
  }
  if (impl_->journal_priorities) text.insert(0, PriorityOf(line.level));
  impl_->sink.info(spdlog::string_view_t(text));
}

void Logger::AddSecrets(const std::vector<base::Secret>& secrets) {
  const std::unique_lock lock(impl_->mutex);
  for (const base::Secret& secret : secrets) impl_->redactor.Add(secret);
}

}  // namespace llmbatch::logging
