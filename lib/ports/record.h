// Records and HTTP messages as the core sees them: plain data, no library behind them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/item.h"
#include "model/origin.h"

namespace llmbatch::ports {

// One Kafka record as it was read.
struct Record {
  model::TopicPartition partition;
  std::int64_t offset = 0;
  std::optional<std::string> key;    // nullopt: null
  std::optional<std::string> value;  // nullopt: a tombstone
  std::vector<model::Header> headers;
};

// One Kafka record to be written.
struct Message {
  std::string topic;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<model::Header> headers;
};

// A POST to a provider. Credentials are no part of it: the driver adds them by the provider's name.
struct HttpRequest {
  std::string provider;
  std::string path;  // appended to the provider's base URL, begins with '/'
  std::vector<model::Header> headers;
  std::string body;
  base::Duration timeout{};             // from hand-over to the last byte
  base::Duration idle_timeout{};        // once the body has begun, between two pieces; 0: none
  std::int64_t max_response_bytes = 0;  // after decompression
  // Lines of a stream of events. The event with one of them is the last: with it the response is
  // whole, whatever becomes of the connection. Empty: the response's end tells.
  std::vector<std::string> end_marks;
};

struct HttpResponse {
  int status = 0;
  std::vector<model::Header> headers;  // names in lower case
  std::string body;
};

// Why there is no HTTP response.
enum class TransportFault {
  kConnect,           // no connection: name, address, refused, TLS
  kTimeout,           // the request's timeout passed
  kConnectionLost,    // ended or broke before the response was whole
  kResponseTooLarge,  // over max_response_bytes, or too many headers
  kRefused,           // the address is not allowed, or the provider is unknown to the driver
  kAborted,           // by AbortCall or at the end of the driver
};
std::string_view ToString(TransportFault fault);

struct TransportFailure {
  TransportFault fault = TransportFault::kConnect;
  // Whether bytes of the request had left: then the provider may have done, and billed, the work.
  bool maybe_processed = false;
  std::string message;  // for an operator; no URL query, header or body in it
};

using HttpOutcome = std::variant<HttpResponse, TransportFailure>;

}  // namespace llmbatch::ports
