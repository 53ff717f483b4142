#include "pipeline/single_flight.h"

#include <utility>

namespace llmbatch::pipeline {

bool SingleFlight::Enter(const std::string& ledger_key, model::RequestId request) {
  const auto [found, leads] = followers_.try_emplace(ledger_key);
  if (!leads) found->second.push_back(request);
  return leads;
}

std::vector<model::RequestId> SingleFlight::Land(const std::string& ledger_key) {
  auto node = followers_.extract(ledger_key);
  if (node.empty()) return {};
  return std::move(node.mapped());
}

}  // namespace llmbatch::pipeline
