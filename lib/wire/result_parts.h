// Parts: what becomes of a job's result that is too large for one message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::wire {

// The result as messages of the kind job_result_part, each of at most `max_bytes` if that is 1,024
// or more and the job's id is no longer than half of it. The members `json` of all parts, one after
// the other, are `result_json`. REQUIRES: it is JSON
std::vector<std::string> EncodeResultParts(std::string_view job_id, std::string_view result_json,
                                           std::size_t max_bytes);

}  // namespace llmbatch::wire
