// Config: what the configuration files say, checked and with every default filled in.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "admission/permit_keeper.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/task.h"
#include "tokens/bpe.h"

namespace llmbatch::config {

enum class AutoOffsetReset { kEarliest, kLatest };

// An existing topic whose values are the inputs of a task.
struct Binding {
  std::string topic;
  std::string task;
};

struct Kafka {
  std::string brokers = "localhost:9092";
  std::string group = "llmbatchd";
  std::string instance;                                  // default: the host's name
  std::vector<std::string> requests = {"llm.requests"};  // or a single "^regular expression"
  std::string control = "llm.control";
  std::string results = "llm.results";
  std::string progress = "llm.progress";
  std::string dead_letters = "llm.dead-letters";
  bool exactly_once = false;  // delivery = "exactly_once"
  AutoOffsetReset auto_offset_reset = AutoOffsetReset::kEarliest;
  std::int64_t max_message_bytes = 8LL << 20;
  std::vector<Binding> bindings;
  std::map<std::string, std::string> properties;  // librdkafka's own, by their names there
  std::map<std::string, base::Secret> secret_properties;
};

// Whether messages on `topic` are read as requests. Bound topics are not among them.
bool ReadsTopic(const Kafka& kafka, const std::string& topic);

struct Redis {
  std::string url;      // without credentials; empty: one replica on its own
  std::string ca_file;  // with rediss://; empty: the system's authorities
  std::string user;
  base::Secret password;
  std::string name_space = "llmbatchd";
  base::Duration lease = std::chrono::seconds(15);
  base::Duration ledger_ttl = std::chrono::hours(24);
  base::Secret ledger_secret;  // empty: none
};

struct Admin {
  std::string listen = "127.0.0.1:9464";
};

struct Limits {
  std::int64_t concurrency = 5;  // calls at once, over all providers and replicas
  admission::WhenAway on_redis_down = admission::WhenAway::kShare;
  std::int64_t local_concurrency = 0;  // with kLocal
  std::int64_t max_pending_bytes = 32LL << 20;
  base::Duration drain_timeout = std::chrono::seconds(30);
  base::Duration max_wait = std::chrono::hours(1);
  base::Duration progress_interval = std::chrono::milliseconds(250);
  base::Duration items_timeout = std::chrono::minutes(10);
  base::Duration commit_interval = std::chrono::seconds(1);
};

// What jobs name by reference.
struct Documents {
  std::vector<std::string> hosts;  // "name" or "name:port", for https
  std::int64_t max_bytes = 4LL << 20;
  std::int64_t max_job_bytes = 16LL << 20;
  std::int64_t max_held_bytes = 64LL << 20;
  bool allow_private = false;
  std::string ca_file;  // empty: the system's authorities
  base::Duration connect_timeout = std::chrono::seconds(10);
  base::Duration timeout = std::chrono::seconds(30);
};

struct Budgets {
  model::BudgetCaps all;
  model::BudgetCaps each_user;
  bool spent_ends =
      false;  // calls that a spent budget doesn't allow end in an error, and don't wait
};

struct ProviderConfig {
  model::Provider provider;
  std::string base_url = "https://api.openai.com/v1";
  base::Secret api_key;  // empty: the server asks for none
  std::string api_key_header = "Authorization";
  std::string api_key_prefix = "Bearer ";  // what stands before the key in that header
  bool allow_private = false;
  std::string ca_file;  // empty: the system's authorities
  std::string proxy;    // empty: none
  base::Duration connect_timeout = std::chrono::seconds(10);
};

struct Config {
  Kafka kafka;
  Redis redis;
  Admin admin;
  Limits limits;
  Documents documents;
  Budgets budgets;
  std::map<std::string, ProviderConfig> providers;
  std::shared_ptr<const model::Catalog> catalog;  // never null
  std::shared_ptr<const tokens::Bpe> bpe;         // from rank_file; nullptr: none
};

}  // namespace llmbatch::config
