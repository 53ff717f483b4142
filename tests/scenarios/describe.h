// Describe: a command of the core as one line for people, without what differs from run to run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/origin.h"
#include "ports/commands.h"

namespace llmbatch::scenarios {

std::string ToString(const model::TopicPartition& partition);
std::string ToString(const std::vector<model::TopicPartition>& partitions);

// Empty for what isn't shown: metrics, calls and permits, which only the runner can describe.
std::string Describe(const ports::Command& command);

}  // namespace llmbatch::scenarios
