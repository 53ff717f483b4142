#include "drivers.h"

#include <chrono>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace llmbatch::daemon {
namespace {

constexpr base::Duration kFlushTimeout = std::chrono::seconds(5);

std::vector<std::string> TopicsOf(const config::Kafka& kafka) {
  std::vector<std::string> topics = kafka.requests;
  for (const config::Binding& binding : kafka.bindings) topics.push_back(binding.topic);
  topics.push_back(kafka.control);
  return topics;
}

// The commands of one round, each with the driver that it is for.
struct Sorted {
  std::vector<http::Command> http;
  std::vector<ports::PublishRecord> publish;
  std::vector<kafka::ConsumerCommand> consume;
};

}  // namespace

kafka::Connection ConnectionTo(const config::Kafka& kafka, kafka::LogSink log) {
  kafka::Connection connection;
  connection.brokers = kafka.brokers;
  connection.client_id = kafka.instance;
  connection.properties = kafka.properties;
  connection.secret_properties = kafka.secret_properties;
  connection.log = std::move(log);
  return connection;
}

http::ClientOptions EndpointsOf(const config::Config& config) {
  http::ClientOptions options;
  for (const auto& [name, provider] : config.providers) {
    http::Endpoint endpoint{.base_url = provider.base_url,
                            .credentials = {},
                            .allow_private = provider.allow_private,
                            .ca_file = provider.ca_file,
                            .proxy = provider.proxy,
                            .connect_timeout = provider.connect_timeout,
                            .max_connections = provider.provider.concurrency};
    if (!provider.api_key.empty()) {
      endpoint.credentials.push_back({.header = provider.api_key_header,
                                      .prefix = provider.api_key_prefix,
                                      .secret = provider.api_key});
    }
    options.endpoints.emplace(name, std::move(endpoint));
  }
  return options;
}

http::DocumentOptions DocumentsOf(const config::Documents& documents) {
  return {.hosts = documents.hosts,
          .download = {.ca_file = documents.ca_file,
                       .allow_private = documents.allow_private,
                       .connect_timeout = documents.connect_timeout,
                       .timeout = documents.timeout}};
}

base::Result<std::unique_ptr<Drivers>> Drivers::Start(const config::Config& config,
                                                      const std::string& start_id,
                                                      runtime::Inbox& inbox,
                                                      metrics::Metrics& metrics,
                                                      logging::Logger& logger) {
  std::unique_ptr<Drivers> drivers(new Drivers(metrics, logger));
  const kafka::LogSink log = [&logger](const ports::LogLine& line) { logger.Write(line); };
  if (config.redis.url.empty()) {
    drivers->local_ =
        std::make_unique<coordinator::LocalCoordinator>(coordinator::LocalOptions{}, inbox);
  } else {
    redis::RedisOptions options;
    options.url = config.redis.url;
    options.ca_file = config.redis.ca_file;
    options.user = config.redis.user;
    options.password = config.redis.password;
    options.name_space = config.redis.name_space;
    options.ledger_secret = config.redis.ledger_secret;
    options.replica = config.kafka.instance + ":" + start_id;
    options.log = log;
    auto started = redis::RedisCoordinator::Start(std::move(options), inbox);
    if (!started) return started.error();
    drivers->redis_ = std::move(started).value();
  }
  auto http = http::Client::Start(EndpointsOf(config), inbox);
  if (!http) return http.error();
  drivers->http_ = std::move(http).value();
  auto documents = http::DocumentClient::Start(DocumentsOf(config.documents), inbox);
  if (!documents) return documents.error();
  drivers->documents_ = std::move(documents).value();

  if (auto started = drivers->StartPublishing(config.kafka, log, inbox); !started) {
    return started.error();
  }

  kafka::ConsumerOptions consumer_options;
  consumer_options.connection = ConnectionTo(config.kafka, log);
  consumer_options.group = config.kafka.group;
  consumer_options.instance = config.kafka.instance;
  consumer_options.topics = TopicsOf(config.kafka);
  consumer_options.auto_offset_reset =
      config.kafka.auto_offset_reset == config::AutoOffsetReset::kEarliest
          ? kafka::AutoOffsetReset::kEarliest
          : kafka::AutoOffsetReset::kLatest;
  consumer_options.max_message_bytes = config.kafka.max_message_bytes;
  auto consumer = kafka::Consumer::Start(std::move(consumer_options), inbox);
  if (!consumer) return consumer.error();
  drivers->consumer_ = std::move(consumer).value();
  return drivers;
}

base::Result<void> Drivers::StartPublishing(const config::Kafka& kafka, const kafka::LogSink& log,
                                            runtime::Inbox& inbox) {
  if (kafka.exactly_once) {
    kafka::TransactorOptions options;
    options.connection = ConnectionTo(kafka, log);
    options.transactional_id = kafka.group + "." + kafka.instance;
    options.max_message_bytes = kafka.max_message_bytes;
    auto transactor = kafka::Transactor::Start(std::move(options), inbox);
    if (!transactor) return transactor.error();
    transactor_ = std::move(transactor).value();
    return {};
  }
  kafka::PublisherOptions options;
  options.connection = ConnectionTo(kafka, log);
  options.max_message_bytes = kafka.max_message_bytes;
  auto publisher = kafka::Publisher::Start(std::move(options), inbox);
  if (!publisher) return publisher.error();
  publisher_ = std::move(publisher).value();
  return {};
}

void Drivers::Transact(ports::RunTransaction transaction) {
  auto member = consumer_->Membership(transaction.assignment);
  transactor_->Execute(std::move(transaction), std::move(member));
}

template <typename C>
void Drivers::Coordinate(C command) {
  if (redis_) {
    redis_->Execute(std::move(command));
  } else {
    local_->Execute(std::move(command));
  }
}

void Drivers::Fetch(ports::FetchDocument command) {
  if (command.place.store == model::DocumentPlace::Store::kHttps) {
    documents_->Execute(std::move(command));
  } else {
    Coordinate(std::move(command));
  }
}

void Drivers::Execute(ports::Commands commands) {
  Sorted sorted;
  struct Sorter {
    Drivers& drivers;
    Sorted& sorted;
    void operator()(ports::StartCall& command) { sorted.http.emplace_back(std::move(command)); }
    void operator()(ports::AbortCall& command) { sorted.http.emplace_back(command); }
    void operator()(ports::PublishRecord& command) { sorted.publish.push_back(std::move(command)); }
    void operator()(ports::RunTransaction& command) { drivers.Transact(std::move(command)); }
    void operator()(ports::CommitOffsets& command) {
      sorted.consume.emplace_back(std::move(command));
    }
    void operator()(ports::PausePartitions& command) {
      sorted.consume.emplace_back(std::move(command));
    }
    void operator()(ports::ResumePartitions& command) {
      sorted.consume.emplace_back(std::move(command));
    }
    void operator()(ports::RevokeDone& command) { sorted.consume.emplace_back(command); }
    void operator()(ports::StopConsuming& command) { sorted.consume.emplace_back(command); }
    void operator()(ports::SyncPermits& command) { drivers.Coordinate(command); }
    void operator()(ports::ReserveCalls& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::HoldRoute& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::ShareRatios& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::LookUpOutcomes& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::MarkSent& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::ReleaseClaims& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::StoreOutcomes& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::TakeJobRecord& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::SaveJobRecord& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::AskJobMember& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::CommandJobRecord& command) { drivers.Coordinate(std::move(command)); }
    void operator()(ports::FetchDocument& command) { drivers.Fetch(std::move(command)); }
    void operator()(const ports::Observe& command) { drivers.metrics_.Apply(command); }
    void operator()(const ports::LogLine& command) { drivers.logger_.Write(command); }
  };
  for (ports::Command& command : commands) std::visit(Sorter{*this, sorted}, command);
  if (!sorted.http.empty()) http_->Execute(std::move(sorted.http));
  if (!sorted.publish.empty()) publisher_->Publish(std::move(sorted.publish));
  if (!sorted.consume.empty()) consumer_->Execute(std::move(sorted.consume));
}

void Drivers::ReportLag() {
  std::set<model::TopicPartition> reported;
  for (const kafka::PartitionLag& lag : consumer_->Lag()) {
    metrics_.SetLag(lag.partition.topic, lag.partition.partition, lag.records());
    reported.insert(lag.partition);
  }
  for (const model::TopicPartition& gone : lag_reported_) {
    if (!reported.contains(gone)) metrics_.ForgetLag(gone.topic, gone.partition);
  }
  lag_reported_ = std::move(reported);
}

bool Drivers::alive(base::Timestamp now) const {
  const kafka::Health publishing = publisher_ ? publisher_->health() : transactor_->health();
  return now - consumer_->health().last_progress < kHangs &&
         now - publishing.last_progress < kHangs && now - http_->last_progress() < kHangs &&
         now - documents_->last_progress() < kHangs;
}

void Drivers::Stop() {
  consumer_.reset();
  http_->Stop();
  documents_->Stop();
  if (publisher_) publisher_->Stop(kFlushTimeout);
  if (transactor_) transactor_->Stop();
  if (redis_) redis_->Stop();
}

}  // namespace llmbatch::daemon
