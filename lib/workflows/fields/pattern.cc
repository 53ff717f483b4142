#include "workflows/fields/pattern.h"

#include <re2/re2.h>

#include <utility>

namespace llmbatch::workflows {
namespace {

constexpr std::int64_t kMaxCompiledBytes = 1 << 20;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Pattern::Pattern(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

base::Result<Pattern> Pattern::Compile(std::string_view text, Case letters) {
  if (text.empty() || text.size() > kMaxPatternBytes) {
    return base::Invalid("must have from 1 to " + std::to_string(kMaxPatternBytes) + " bytes");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(letters == Case::kExact);
  options.set_max_mem(kMaxCompiledBytes);
  auto compiled = std::make_shared<const re2::RE2>(Piece(text), options);
  if (!compiled->ok()) return base::Invalid("is no regular expression that RE2 takes");
  return Pattern(std::move(compiled));
}

std::optional<std::string> Pattern::Find(std::string_view text) const {
  re2::StringPiece groups[2];
  const int wanted = compiled_->NumberOfCapturingGroups() > 0 ? 2 : 1;
  if (!compiled_->Match(Piece(text), 0, text.size(), re2::RE2::UNANCHORED, groups, wanted))
    return std::nullopt;
  const re2::StringPiece& found = groups[wanted - 1];
  // A group that took no part in the match has no place in the text.
  if (found.data() == nullptr) return std::nullopt;
  return std::string(found.data(), found.size());
}

bool Pattern::MatchesWhole(std::string_view text) const {
  return re2::RE2::FullMatch(Piece(text), *compiled_);
}

}  // namespace llmbatch::workflows
