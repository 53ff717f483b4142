#include "model/result.h"

#include <array>
#include <utility>

namespace llmbatch::model {
namespace {

constexpr std::array<std::string_view, 3> kStatuses{"ok", "fallback", "error"};
constexpr std::array<std::string_view, 4> kSources{"generated", "cached", "coalesced", "extracted"};

template <typename Enum, std::size_t kCount>
std::optional<Enum> Parse(const std::array<std::string_view, kCount>& names,
                          std::string_view text) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToString(ResultStatus status) {
  return kStatuses[static_cast<std::size_t>(status)];
}
std::string_view ToString(ResultSource source) {
  return kSources[static_cast<std::size_t>(source)];
}
std::optional<ResultStatus> ParseResultStatus(std::string_view text) {
  return Parse<ResultStatus>(kStatuses, text);
}
std::optional<ResultSource> ParseResultSource(std::string_view text) {
  return Parse<ResultSource>(kSources, text);
}

ItemError ErrorOf(ErrorCode code, std::string message) {
  return {
      .code = code, .message = std::move(message), .retryable = IsRetryable(code), .attempts = 0};
}

ItemOutcome NeverAsked(ErrorCode code, std::string message) {
  ItemOutcome outcome;
  outcome.error = ErrorOf(code, std::move(message));
  outcome.cost = NanoUsd{};
  return outcome;
}

}  // namespace llmbatch::model
