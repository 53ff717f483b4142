// The workflows that there are, by name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "model/job.h"
#include "model/task.h"
#include "wire/request.h"
#include "workflows/workflow.h"

namespace llmbatch::workflows {

std::span<const std::string_view> Names();
bool IsKnown(std::string_view workflow);
// The kinds of steps for which a task of this workflow names other tasks. REQUIRES: IsKnown()
std::span<const std::string_view> KindsOf(std::string_view workflow);

using Made = std::variant<std::unique_ptr<Workflow>, wire::Malformed>;

// The job's workflow; the job's items and input are taken out of it. Malformed: no such workflow,
// or the job's own fields are wrong; the detail begins with the field's path. `room_tokens` is what
// the items of one prompt may have, with what they have in common.
Made Make(model::Job& job, const model::Task& task, std::int64_t room_tokens = 16'000);

}  // namespace llmbatch::workflows
