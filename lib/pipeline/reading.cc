#include "pipeline/reading.h"

#include <utility>

#include "answers/decoder.h"
#include "json/writer.h"

namespace llmbatch::pipeline {
namespace {

using providers::Completion;

model::ErrorCode CodeOf(answers::Problem problem, bool truncated) {
  switch (problem) {
    case answers::Problem::kMissing:
      return truncated ? model::ErrorCode::kAnswerTruncated : model::ErrorCode::kAnswerMissingItem;
    case answers::Problem::kDuplicate:
    case answers::Problem::kInvalid:
    case answers::Problem::kNone:
      break;
  }
  return model::ErrorCode::kAnswerInvalid;
}

Reading ReadText(const Completion& completion, Reading reading) {
  ItemReading& item = reading.items.front();
  if (reading.truncated) {
    item.problem = model::ErrorCode::kAnswerTruncated;
  } else if (!completion.text.empty()) {
    item.output_json = json::Quote(completion.text);
  }
  return reading;
}

}  // namespace

Reading ReadCompletion(const Call& call, const Completion& completion) {
  Reading reading;
  reading.items.resize(call.requests.size());
  reading.truncated = completion.finish_reason == Completion::FinishReason::kLength;
  reading.blocked =
      completion.refused || completion.finish_reason == Completion::FinishReason::kContentFilter;
  if (reading.blocked) return reading;
  if (call.recipe->task().answer == model::AnswerForm::kText) {
    return ReadText(completion, std::move(reading));
  }

  const auto ending = reading.truncated ? answers::Ending::kCutOff : answers::Ending::kWhole;
  auto decoded =
      answers::DecodeAnswers(completion.text, call.nonces, call.recipe->item_schema(), ending);
  if (!decoded) {
    const auto code =
        reading.truncated ? model::ErrorCode::kAnswerTruncated : model::ErrorCode::kAnswerInvalid;
    for (ItemReading& item : reading.items) item.problem = code;
    return reading;
  }
  for (std::size_t i = 0; i < reading.items.size(); ++i) {
    reading.items[i].problem = CodeOf(decoded->problems[i], decoded->truncated);
    reading.items[i].output_json = std::move(decoded->outputs[i]);
  }
  reading.foreign_ids = decoded->foreign_ids;
  reading.repair = answers::ToString(decoded->repair);
  reading.edits = decoded->edits;
  return reading;
}

}  // namespace llmbatch::pipeline
