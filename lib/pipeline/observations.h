// The metrics of the pipeline, in one place.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/money.h"
#include "model/task.h"
#include "model/usage.h"
#include "pipeline/call.h"
#include "pipeline/reading.h"
#include "ports/commands.h"
#include "providers/rate_limits.h"

namespace llmbatch::pipeline {

ports::Observe Observed(ports::Metric metric, double value,
                        std::array<std::string, ports::kMaxLabels> labels = {});

// Failures that haven't happened yet, so that the first one is seen as a change.
void ObserveNoFailures(const model::Catalog& catalog, ports::Commands& out);

void ObserveCall(const model::RouteEntry& route, std::string_view outcome, base::Duration duration,
                 ports::Commands& out);
void ObserveUsage(const model::RouteEntry& route, const model::Usage& usage,
                  std::optional<model::NanoUsd> cost, ports::Commands& out);
void ObserveRatio(const model::RouteEntry& route, std::string_view task, double ratio,
                  ports::Commands& out);
void ObserveUnknownCost(const model::RouteEntry& route, ports::Commands& out);
void ObserveDoubt(const model::RouteEntry& route, const std::optional<model::NanoUsd>& amount,
                  ports::Commands& out);
void ObserveRateLimits(const model::RouteEntry& route, const providers::RateLimits& limits,
                       ports::Commands& out);
void ObserveAdaptiveChange(const std::string& pool, ports::AdaptiveChange last,
                           ports::Commands& out);
void ObserveReading(const Call& call, const Reading& reading, ports::Commands& out);

}  // namespace llmbatch::pipeline
