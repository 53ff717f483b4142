// WarnOfSchema: what a task's output schema says in vain.
#pragma once

#include "config/section.h"
#include "config/sections.h"
#include "model/task.h"

namespace llmbatch::config {

// Warns at `output_schema` of keywords that answers aren't checked for, and of those that the
// route's providers are asked for the schema without. Other keywords that the daemon doesn't know
// are errors before this.
void WarnOfSchema(const model::Task& task, Section& section, const TaskContext& context);

}  // namespace llmbatch::config
