#include <algorithm>
#include <array>
#include <regex>
#include <string_view>
#include <utility>

#include "config/credential.h"
#include "config/sections.h"
#include "config/values.h"
#include "json/writer.h"

namespace llmbatch::config {
namespace {

// Properties that have a key of their own here, or that delivery depends on.
const std::map<std::string, std::string, std::less<>>& OwnedProperties() {
  static const std::map<std::string, std::string, std::less<>> owned{
      {"bootstrap.servers", "kafka.brokers"},
      {"metadata.broker.list", "kafka.brokers"},
      {"group.id", "kafka.group"},
      {"group.instance.id", "kafka.instance"},
      {"auto.offset.reset", "kafka.auto_offset_reset"},
      {"message.max.bytes", "kafka.max_message_bytes"},
      {"fetch.message.max.bytes", "kafka.max_message_bytes"},
      {"transactional.id", ""},
      {"enable.auto.commit", ""},
      {"enable.auto.offset.store", ""},
      {"enable.idempotence", ""},
      {"enable.partition.eof", ""},
      {"acks", ""},
      {"request.required.acks", ""},
      {"isolation.level", ""},
  };
  return owned;
}

bool IsSecretProperty(std::string_view name) {
  return name.find("password") != std::string_view::npos ||
         name.find("secret") != std::string_view::npos || name == "ssl.key.pem" ||
         name == "sasl.oauthbearer.config";
}

class PropertyReader {
 public:
  PropertyReader(Kafka& kafka, const Environment& environment)
      : kafka_(kafka), environment_(environment) {}

  // A dotted name may be written with or without quotation marks: without them TOML makes tables
  // of it, whose names are put together again here.
  void Read(const toml::table& table, Section section, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const std::string full_name = prefix + name;
      if (const toml::table* nested = node.as_table()) {
        Read(*nested, section.Table(name), full_name + ".");
      } else {
        ReadOne(section, name, full_name, node);
      }
    }
  }

 private:
  void ReadOne(Section& section, const std::string& name, const std::string& full_name,
               const toml::node& node) {
    const auto owned = OwnedProperties().find(full_name);
    if (owned != OwnedProperties().end()) {
      section.Fail(name, owned->second.empty() ? "is set by llmbatchd itself; take it out"
                                               : "is set by " + owned->second);
    } else if (kafka_.properties.contains(full_name) ||
               kafka_.secret_properties.contains(full_name)) {
      section.Fail(name, "is there twice");
    } else if (IsSecretProperty(full_name)) {
      kafka_.secret_properties.emplace(full_name, ReadSecret(section, name, environment_));
    } else if (const auto text = node.value<std::string>()) {
      section.Note(name, json::Quote(*text));
      kafka_.properties.emplace(full_name, *text);
    } else if (node.is_integer()) {
      const std::string number = std::to_string(node.as_integer()->get());
      section.Note(name, number);
      kafka_.properties.emplace(full_name, number);
    } else if (node.is_boolean()) {
      const std::string value = node.as_boolean()->get() ? "true" : "false";
      section.Note(name, value);
      kafka_.properties.emplace(full_name, value);
    } else {
      section.Fail(name, "must be a text, a whole number or true or false, is " +
                             std::string(Describe(node.type())));
    }
  }

  Kafka& kafka_;
  const Environment& environment_;
};

void ReadProperties(Kafka& kafka, Section& section, const Environment& environment) {
  const toml::node* node = section.Any("properties", toml::node_type::table);
  if (node == nullptr) return;
  PropertyReader(kafka, environment).Read(*node->as_table(), section.Table("properties"), "");
}

std::string ReadTopic(Section& section, std::string_view key, const std::string& otherwise) {
  const std::string topic = section.String(key, otherwise);
  if (!IsTopicName(topic)) {
    section.Fail(key, "must be a topic's name: 1 to 249 of A–Z a–z 0–9 . _ -");
  }
  return topic;
}

// Whether a message on `topic` would be read as a request; nullopt if the pattern is no regular
// expression.
std::optional<bool> Reads(const std::vector<std::string>& requests, const std::string& topic) {
  for (const std::string& request : requests) {
    if (!request.starts_with('^')) {
      if (request == topic) return true;
      continue;
    }
    try {
      if (std::regex_search(topic, std::regex(request, std::regex::extended))) return true;
    } catch (const std::regex_error&) {
      return std::nullopt;
    }
  }
  return false;
}

void CheckRequests(const Kafka& kafka, Section& section) {
  if (kafka.requests.empty()) section.Fail("requests", "must name at least one topic");
  Names seen;
  for (const std::string& topic : kafka.requests) {
    if (topic.starts_with('^')) {
      if (kafka.requests.size() > 1) {
        section.Fail("requests", "a \"^regular expression\" must be the only element");
      }
    } else if (!IsTopicName(topic)) {
      section.Fail("requests", "must be names of topics: 1 to 249 of A–Z a–z 0–9 . _ -");
    } else if (!seen.insert(topic).second) {
      section.Fail("requests", "names \"" + topic + "\" twice");
    }
  }
}

// A daemon that read what it writes would never come to an end.
void CheckLoops(const Kafka& kafka, Section& section) {
  const std::array<std::pair<std::string_view, const std::string*>, 4> others{
      {{"control", &kafka.control},
       {"results", &kafka.results},
       {"progress", &kafka.progress},
       {"dead_letters", &kafka.dead_letters}}};
  for (const auto& [key, topic] : others) {
    const std::optional<bool> reads = Reads(kafka.requests, *topic);
    if (!reads) {
      section.Fail("requests", "is no valid extended regular expression");
      return;
    }
    if (*reads) section.Fail(key, "is one of the topics of kafka.requests; it must be another one");
  }
  for (const auto& [key, topic] : others) {
    if (key != "control" && *topic == kafka.control) {
      section.Fail(key, "is the topic of kafka.control; it must be another one");
    }
  }
}

void ReadBindings(Kafka& kafka, Section& section, const Names& tasks) {
  Names seen;
  for (Section& row : section.Tables("bindings")) {
    Binding binding{.topic = ReadTopic(row, "topic", ""), .task = row.String("task", "")};
    if (!row.Has("task")) {
      row.Fail("task", "missing: the task that the topic's values are inputs of");
    } else if (!tasks.contains(binding.task)) {
      const auto nearest = Nearest(binding.task, {tasks.begin(), tasks.end()});
      row.Fail("task",
               nearest ? "unknown task; did you mean \"" + *nearest + "\"?" : "unknown task");
    }
    const bool is_output = binding.topic == kafka.results || binding.topic == kafka.progress ||
                           binding.topic == kafka.dead_letters || binding.topic == kafka.control;
    if (is_output) row.Fail("topic", "is a topic of results, progress, dead letters or control");
    if (ReadsTopic(kafka, binding.topic)) {
      row.Fail("topic", "is one of the topics of kafka.requests");
    }
    if (!seen.insert(binding.topic).second) row.Fail("topic", "has a binding already");
    row.RefuseOthers();
    kafka.bindings.push_back(std::move(binding));
  }
}

}  // namespace

bool ReadsTopic(const Kafka& kafka, const std::string& topic) {
  return Reads(kafka.requests, topic).value_or(false);
}

Kafka ReadKafka(Section section, const Names& tasks, const Environment& environment) {
  Kafka kafka;
  kafka.brokers = section.String("brokers", kafka.brokers);
  kafka.group = section.String("group", kafka.group);
  kafka.instance = section.String("instance", environment.host_name);
  if (kafka.instance.empty()) {
    section.Fail("instance", "missing, and this host has no name: the name of this replica");
  }
  kafka.requests = section.Strings("requests", kafka.requests);
  kafka.control = ReadTopic(section, "control", kafka.control);
  kafka.results = ReadTopic(section, "results", kafka.results);
  kafka.progress = ReadTopic(section, "progress", kafka.progress);
  kafka.dead_letters = ReadTopic(section, "dead_letters", kafka.dead_letters);
  kafka.auto_offset_reset = section.Choice<AutoOffsetReset>(
      "auto_offset_reset", kafka.auto_offset_reset,
      {{"earliest", AutoOffsetReset::kEarliest}, {"latest", AutoOffsetReset::kLatest}});
  kafka.max_message_bytes = section.Int("max_message_bytes", kafka.max_message_bytes,
                                        {.min = 1024, .max = 1'000'000'000});
  kafka.exactly_once = section.Choice<bool>("delivery", kafka.exactly_once,
                                            {{"at_least_once", false}, {"exactly_once", true}});
  CheckRequests(kafka, section);
  CheckLoops(kafka, section);
  ReadBindings(kafka, section, tasks);
  ReadProperties(kafka, section, environment);
  section.RefuseOthers();
  return kafka;
}

}  // namespace llmbatch::config
