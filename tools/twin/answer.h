// Builds the text that a model would answer, right or wrong on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/faults.h"
#include "twin/items.h"
#include "twin/json.h"

namespace llmbatch::twin {

enum class FinishReason { kStop, kLength, kContentFilter };

struct Usage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
};

// One completion, before it is put into a wire format.
struct Answer {
  std::string text;
  FinishReason finish = FinishReason::kStop;
  std::optional<std::string> refusal;
  std::optional<Usage> usage;
  // For each item whether its right object stands in the text whole, where a careful client finds
  // it.
  std::vector<bool> answered;
};

// Whether the request's schema asks for {"results": […]} rather than a bare list.
bool WantsResults(const JsonValue* schema);

// The right JSON object for each item. `schema` is the schema of the whole answer, or nullptr.
std::vector<std::string> BuildObjects(const std::vector<Item>& items, const JsonValue* schema);

// A short sentence for a prompt without items.
std::string BuildSentence(std::string_view prompt);

// Puts the objects together in the asked shape, with the fault in it. `targets` are the items that
// the fault is about. REQUIRES: kSwapped has two targets; every target is below objects.size()
Answer AssembleAnswer(const std::vector<Item>& items, const std::vector<std::string>& objects,
                      const JsonValue* schema, FaultKind fault,
                      const std::vector<std::size_t>& targets);
// The same for a plain text.
Answer AssembleText(std::string text, FaultKind fault);

// Characters by `chars_per_token`, rounded up. REQUIRES: chars_per_token > 0
std::uint64_t EstimateTokens(std::string_view text, double chars_per_token);
// Cuts the answer to the token limit, as a model does that runs out of them. `objects` are what it
// was put together from.
void LimitTokens(const std::vector<std::string>& objects, std::uint64_t max_tokens,
                 double chars_per_token, Answer& answer);

}  // namespace llmbatch::twin
