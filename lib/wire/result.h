// What is published, as JSON texts. Optional fields that have no value are left out; a cost that
// isn't known is null, never 0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/job.h"
#include "model/result.h"

namespace llmbatch::wire {

// output_json and metadata_json go in as they are, so they must be JSON.
std::string EncodeItemResult(const model::ItemResult& result);

// An item's result as it stands among the results of a job: without kind, task and job_id.
std::string EncodeMemberResult(const model::ItemResult& result);

// Its results and what its workflow adds to the summary go in as they are, so they must be JSON.
std::string EncodeJobResult(const model::JobResult& result);

std::string EncodeProgress(const model::Progress& progress);
// How many items such an event tells of; 0 also for what is none.
std::int64_t ItemsTold(std::string_view progress);

}  // namespace llmbatch::wire
