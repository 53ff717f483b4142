#include "kafka/connection.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <utility>

namespace llmbatch::kafka {
namespace {

base::Result<void> Set(rd_kafka_conf_t& conf, const std::string& name, const std::string& value) {
  // librdkafka's own words would repeat the value, which may be a password.
  std::array<char, 512> reason{};
  switch (rd_kafka_conf_set(&conf, name.c_str(), value.c_str(), reason.data(), reason.size())) {
    case RD_KAFKA_CONF_OK:
      return {};
    case RD_KAFKA_CONF_UNKNOWN:
      return base::Invalid("kafka: property '" + name + "' is unknown to librdkafka");
    case RD_KAFKA_CONF_INVALID:
      break;
  }
  return base::Invalid("kafka: property '" + name + "' has a value that librdkafka refuses");
}

class Builder {
 public:
  explicit Builder(const Settings& settings) : settings_(settings), conf_(rd_kafka_conf_new()) {}

  void Own(const std::string& name, const std::string& value) {
    if (result_) result_ = Set(*conf_, name, value);
  }
  void Foreign(const std::string& name, const std::string& value) {
    if (settings_.guarantees.contains(name)) {
      if (result_)
        result_ = base::Invalid("kafka: property '" + name + "' is set by llmbatchd itself");
      return;
    }
    Own(name, value);
  }
  base::Result<ConfHandle> Finish() {
    if (!result_) return result_.error();
    return std::move(conf_);
  }

 private:
  const Settings& settings_;
  ConfHandle conf_;
  base::Result<void> result_;
};

}  // namespace

std::string LibraryVersion() { return rd_kafka_version_str(); }

base::Result<ConfHandle> MakeConf(const Connection& connection, const Settings& settings) {
  if (connection.brokers.empty()) return base::Invalid("kafka: no brokers are named");
  Builder builder(settings);
  builder.Own("client.id", connection.client_id);
  // Before 2.10 it is on by default, and keeps small requests waiting.
  builder.Own("socket.nagle.disable", "true");
  for (const auto& [name, value] : settings.defaults) builder.Own(name, value);
  for (const auto& [name, value] : connection.properties) builder.Foreign(name, value);
  for (const auto& [name, value] : connection.secret_properties) {
    builder.Foreign(name, std::string(value.Reveal()));
  }
  builder.Own("bootstrap.servers", connection.brokers);
  for (const auto& [name, value] : settings.guarantees) builder.Own(name, value);
  return builder.Finish();
}

}  // namespace llmbatch::kafka
