// Catalogue: the classifications that were found, of each kind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json/writer.h"

namespace llmbatch::workflows {

struct ClassificationKind {
  std::string_view list;  // as lists of them are named
  std::string_view fact;  // as a session's answer names its own
};
inline constexpr std::array<ClassificationKind, 3> kClassificationKinds{
    {{"generalIntents", "generalIntent"},
     {"transferReasons", "transferReason"},
     {"dropOffLocations", "dropOffLocation"}}};
inline constexpr std::size_t kClassificationKindCount = kClassificationKinds.size();

// A session's classification of each kind; empty: it has none.
using Facts = std::array<std::string, kClassificationKindCount>;
// What an answer says, an object in JSON. Blanks around a name don't count.
Facts FactsOf(std::string_view answer_json);
// The answer with these classifications in place of its own.
std::string WithFacts(std::string_view answer_json, const Facts& facts);

// The same sessions in any order give the same catalogue.
class Catalogue {
 public:
  // Returns how many of these were not known.
  std::int64_t Add(const Facts& facts);

  // Sorted.
  std::vector<std::string> Names(std::size_t kind) const;
  std::int64_t size() const;
  // {"generalIntents": […], …} in at most `max_bytes`: the more frequent ones come first, and the
  // others are left out.
  std::string KnownJson(std::size_t max_bytes) const;
  // The same of all, sorted.
  void Write(json::Writer& writer) const;

 private:
  using Counts = std::map<std::string, std::int64_t, std::less<>>;
  std::array<Counts, kClassificationKindCount> counts_;
};

}  // namespace llmbatch::workflows
