// Logger: log lines as JSON on standard error, one a line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "ports/observe.h"

namespace llmbatch::logging {

struct LoggerOptions {
  ports::LogLevel level = ports::LogLevel::kInfo;
  // Put a priority such as "<6>" before each line, which the journal takes off again.
  bool journal_priorities = false;
  // Wherever one of these stands in a line, plain or encoded, it is replaced: the last guard,
  // should one get into an error of a library.
  std::vector<base::Secret> secrets;
};

// Whether standard error goes to the journal, by the variable that systemd sets for that purpose.
bool WritesToJournal();

// From any thread.
class Logger {
 public:
  explicit Logger(LoggerOptions options);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // {"ts":…,"level":…,"msg":…, and the fields}. A text is cut off after 4 KiB.
  void Write(const ports::LogLine& line);
  // As in the options; for those that a new configuration brings.
  void AddSecrets(const std::vector<base::Secret>& secrets);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmbatch::logging
