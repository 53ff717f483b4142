// Connection: what consumer and publisher have in common, and librdkafka's configuration made of
// it.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "kafka/handles.h"
#include "ports/observe.h"

namespace llmbatch::kafka {

// Called on threads of the drivers and of librdkafka; one driver calls it once at a time.
using LogSink = std::function<void(ports::LogLine)>;

struct Connection {
  std::string brokers;  // "host:port,host:port"
  std::string client_id = "llmbatchd";
  // librdkafka's own properties by their names there. They replace the driver's defaults; those
  // that its guarantees rest on are refused. One of the other kind of client has no effect.
  std::map<std::string, std::string> properties;
  std::map<std::string, base::Secret> secret_properties;
  // The same thing is told once a minute at most.
  LogSink log;
};

struct Settings {
  std::map<std::string, std::string> defaults;    // may be replaced
  std::map<std::string, std::string> guarantees;  // may not
};

// Of librdkafka as it runs, such as "2.0.2". How a group rebalances follows from it.
std::string LibraryVersion();

// The error names the property, never its value.
base::Result<ConfHandle> MakeConf(const Connection& connection, const Settings& settings);

}  // namespace llmbatch::kafka
