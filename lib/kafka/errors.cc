#include "kafka/errors.h"

#include <librdkafka/rdkafka.h>

#include <utility>

namespace llmbatch::kafka {
namespace {

base::ErrorKind KindOf(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
      return base::ErrorKind::kTooLarge;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return base::ErrorKind::kTimeout;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return base::ErrorKind::kDenied;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return base::ErrorKind::kNotFound;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      return base::ErrorKind::kInvalid;
    case RD_KAFKA_RESP_ERR__DESTROY:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
      return base::ErrorKind::kAborted;
    default:
      return base::ErrorKind::kUnavailable;
  }
}

}  // namespace

base::Error ToError(int code, std::string_view what) {
  const auto known = static_cast<rd_kafka_resp_err_t>(code);
  return base::MakeError(KindOf(known), std::string(what) + ": " + NameOf(code) + " (" +
                                            rd_kafka_err2str(known) + ")");
}

bool EndsItsClient(const rd_kafka_op_s& event) {
  // librdkafka takes it as writable, and only reads.
  auto* readable = const_cast<rd_kafka_op_s*>(&event);
  return rd_kafka_event_error_is_fatal(readable) != 0 ||
         rd_kafka_event_error(readable) == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
}

base::Error WhyNoClient(std::string_view what, std::string_view reason) {
  const bool is_system_short_of_something =
      rd_kafka_last_error() == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
  std::string text = "kafka: " + std::string(what) + ": " + std::string(reason);
  if (!is_system_short_of_something) return base::Invalid(std::move(text));
  return base::MakeError(base::ErrorKind::kInternal, std::move(text));
}

std::string NameOf(int code) {
  const char* name = rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code));
  return name == nullptr ? std::to_string(code) : name;
}

}  // namespace llmbatch::kafka
