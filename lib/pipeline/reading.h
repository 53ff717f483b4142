// Reading: what one completion says about each item of its batch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "answers/edits.h"
#include "model/error_code.h"
#include "pipeline/call.h"
#include "providers/chat_request.h"

namespace llmbatch::pipeline {

struct ItemReading {
  std::optional<std::string> output_json;  // nullopt: the answer lacks the item, or has it wrong
  model::ErrorCode problem = model::ErrorCode::kAnswerInvalid;  // why, where there is no output
};

struct Reading {
  std::vector<ItemReading> items;  // in the order of the call's requests
  bool blocked = false;            // the provider refused the batch as a whole
  bool truncated = false;          // the answer was cut off at the output limit
  int foreign_ids = 0;
  std::string repair = "none";  // how the answer had to be read
  answers::Edits edits;         // what was changed for it
};

Reading ReadCompletion(const Call& call, const providers::Completion& completion);

}  // namespace llmbatch::pipeline
