// What every command that talks to Kafka has: the configuration, a deadline, where to write.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "ctl/exit_codes.h"
#include "kafka/publisher.h"
#include "kafka/topic_reader.h"
#include "ports/record.h"
#include "runtime/inbox.h"

namespace llmbatch::ctl {

struct Session {
  config::Config config;
  base::Timestamp deadline;  // of the whole command, by the steady clock
  bool json = false;         // one JSON object a line instead of texts for people
};

// Warnings and errors of librdkafka go to standard error.
kafka::Connection ConnectionTo(const config::Kafka& kafka);

base::Result<std::unique_ptr<kafka::TopicReader>> MakeReader(const Session& session);

// Writes a line to standard error, beginning with the program's name.
void Complain(const std::string& what);
// The same for an error, and the exit code that it means.
ExitCode Fail(const base::Error& error);

// Whether people read it, and how wide their window is.
bool IsTerminal(int file_descriptor);
std::size_t TerminalColumns();

// Publishes and waits, where nothing else has to go on meanwhile.
class PatientPublisher {
 public:
  struct Outcome {
    std::uint64_t id = 0;
    base::Result<void> result;
  };

  static base::Result<std::unique_ptr<PatientPublisher>> Make(const Session& session);

  void Send(std::uint64_t id, ports::Message message);
  // Waits until at most `max_open` messages are not acknowledged yet, or the session's deadline.
  std::vector<Outcome> WaitFor(std::size_t max_open);
  std::size_t open() const { return open_; }
  std::int64_t open_bytes() const { return open_bytes_; }

 private:
  explicit PatientPublisher(base::Timestamp deadline) : deadline_(deadline) {}

  const base::Timestamp deadline_;
  runtime::Inbox inbox_;
  std::unique_ptr<kafka::Publisher> publisher_;
  std::size_t open_ = 0;
  std::int64_t open_bytes_ = 0;  // of all that was sent since none was open
};

// One JSON message, and its acknowledgement. kTimeout: it may be there all the same.
base::Result<void> PublishJson(const Session& session, const std::string& topic, std::string key,
                               std::string value);

}  // namespace llmbatch::ctl
