// The members of a job's message that only its workflow knows.
#pragma once

#include "json/value.h"
#include "model/job.h"

namespace llmbatch::workflows {

// REQUIRES: job.input_json was made by wire::DecodeRequest
json::Document ParseInput(const model::Job& job);

}  // namespace llmbatch::workflows
