#include "ctl/session.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <variant>

#include "ctl/text.h"
#include "runtime/clock.h"

namespace llmbatch::ctl {

kafka::Connection ConnectionTo(const config::Kafka& kafka) {
  kafka::Connection connection;
  connection.brokers = kafka.brokers;
  connection.client_id = "llmbatchctl";
  connection.properties = kafka.properties;
  connection.secret_properties = kafka.secret_properties;
  connection.log = [](const ports::LogLine& line) {
    if (line.level >= ports::LogLevel::kWarning) Complain(line.message);
  };
  return connection;
}

base::Result<std::unique_ptr<kafka::TopicReader>> MakeReader(const Session& session) {
  return kafka::TopicReader::Make({.connection = ConnectionTo(session.config.kafka),
                                   .max_message_bytes = session.config.kafka.max_message_bytes});
}

void Complain(const std::string& what) {
  std::cerr << "llmbatchctl: " + Printable(what) + "\n" << std::flush;
}

ExitCode Fail(const base::Error& error) {
  Complain(error.message);
  return error.kind == base::ErrorKind::kTimeout ? kExitTooLate : kExitFailure;
}

bool IsTerminal(int file_descriptor) { return isatty(file_descriptor) == 1; }

std::size_t TerminalColumns() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

base::Result<std::unique_ptr<PatientPublisher>> PatientPublisher::Make(const Session& session) {
  const base::Duration left = session.deadline - runtime::ReadClock().steady;
  std::unique_ptr<PatientPublisher> made(new PatientPublisher(session.deadline));
  kafka::PublisherOptions options{.connection = ConnectionTo(session.config.kafka),
                                  .max_message_bytes = session.config.kafka.max_message_bytes};
  // What was given up must not be written later.
  options.delivery_timeout =
      std::clamp<base::Duration>(left, std::chrono::seconds(1), options.delivery_timeout);
  auto publisher = kafka::Publisher::Start(std::move(options), made->inbox_);
  if (!publisher) return publisher.error();
  made->publisher_ = std::move(publisher).value();
  return made;
}

void PatientPublisher::Send(std::uint64_t id, ports::Message message) {
  ++open_;
  if (message.value) open_bytes_ += static_cast<std::int64_t>(message.value->size());
  std::vector<ports::PublishRecord> records;
  records.push_back({.publish = model::PublishId{id},
                     .message = std::make_shared<const ports::Message>(std::move(message))});
  publisher_->Publish(std::move(records));
}

std::vector<PatientPublisher::Outcome> PatientPublisher::WaitFor(std::size_t max_open) {
  std::vector<Outcome> outcomes;
  while (open_ > max_open) {
    std::vector<ports::Event> events = inbox_.WaitUntil(deadline_);
    if (events.empty()) break;
    for (ports::Event& event : events) {
      if (auto* published = std::get_if<ports::RecordPublished>(&event)) {
        outcomes.push_back({published->publish.value, std::move(published->outcome)});
        --open_;
      }
    }
  }
  if (open_ == 0) open_bytes_ = 0;
  return outcomes;
}

base::Result<void> PublishJson(const Session& session, const std::string& topic, std::string key,
                               std::string value) {
  auto publisher = PatientPublisher::Make(session);
  if (!publisher) return publisher.error();
  (*publisher)
      ->Send(1, {.topic = topic,
                 .key = std::move(key),
                 .value = std::move(value),
                 .headers = {{.name = "content-type", .value = "application/json"}}});
  const auto outcomes = (*publisher)->WaitFor(0);
  if (outcomes.empty()) {
    return base::MakeError(base::ErrorKind::kTimeout,
                           "kafka: not acknowledged in time; it may be there all the same");
  }
  return outcomes.front().result;
}

}  // namespace llmbatch::ctl
