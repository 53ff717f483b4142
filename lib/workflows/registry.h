// The workflows that there are, by name.
#pragma once

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

using Made = std::variant<std::unique_ptr<Workflow>, wire::Malformed>;

// The job's workflow; the job's items and input are taken out of it. Malformed: no such workflow,
// or the job's own fields are wrong; the detail begins with the field's path.
Made Make(model::Job& job, const model::Task& task);

}  // namespace llmbatch::workflows
