// From librdkafka's error codes to ours.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kafka/handles.h"

namespace llmbatch::kafka {

// `code` is a rd_kafka_resp_err_t other than NO_ERROR; `what` says what failed, for an operator.
// What may mend itself, or be mended while we wait, is retryable.
base::Error ToError(int code, std::string_view what);

// Whether a client is of no use any more after this event of an error: a fatal one, or a thread
// that librdkafka could not start, which it does not try again.
bool EndsItsClient(const rd_kafka_op_s& event);

// Why rd_kafka_new() made none; to be asked at once, on its thread. kInternal if threads or memory
// were missing, kInvalid if a property is wrong. `reason` is librdkafka's own.
base::Error WhyNoClient(std::string_view what, std::string_view reason);

// "TOPIC_AUTHORIZATION_FAILED": one name for each code, from a closed set.
std::string NameOf(int code);

}  // namespace llmbatch::kafka
