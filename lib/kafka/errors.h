// From librdkafka's error codes to ours.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace llmbatch::kafka {

// `code` is a rd_kafka_resp_err_t other than NO_ERROR; `what` says what failed, for an operator.
// What may mend itself, or be mended while we wait, is retryable.
base::Error ToError(int code, std::string_view what);

// "TOPIC_AUTHORIZATION_FAILED": one name for each code, from a closed set.
std::string NameOf(int code);

}  // namespace llmbatch::kafka
