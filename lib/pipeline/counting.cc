#include "pipeline/counting.h"

namespace llmbatch::pipeline {

void CountTokens(Request& request, std::size_t lane) {
  const batching::TokenPlanner& planner = request.recipe->lanes()[lane].planner;
  request.tokens = planner.ItemTokens(request.item.input);
  for (const model::Turn& turn : request.history) request.tokens += planner.TurnTokens(turn.text);
}

std::int64_t ContextTokens(const Request& request, std::size_t lane) {
  if (!request.company) return 0;
  return request.recipe->lanes()[lane].planner.ContextTokens(request.company->context_json);
}

void CountTokensAlone(Request& request, std::size_t lane) {
  CountTokens(request, lane);
  request.context_tokens = ContextTokens(request, lane);
}

}  // namespace llmbatch::pipeline
