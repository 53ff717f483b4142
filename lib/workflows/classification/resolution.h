// Resolution: which classifications mean the same, as far as what a model says of it is sound.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::workflows {

struct Resolution {
  std::string canonical;
  std::vector<std::string> aliases;  // never empty
};

struct Resolutions {
  std::vector<Resolution> applied;
  std::int64_t found = 0;  // groups that name more than one, sound or not
};

// Reads {"groups": [{"canonical", "aliases": […]}]}. A group is taken if its canonical is one of
// `names`, at least one other of its members is, and none of its members stands in another group,
// be it as canonical or as alias: so no name has two meanings, and none leads on to a third.
// Aliases that aren't in `names` don't count.
Resolutions ReadResolutions(std::string_view answer_json, std::span<const std::string> names);

// Alias → canonical.
std::map<std::string, std::string, std::less<>> MappingOf(const std::vector<Resolution>& applied);

}  // namespace llmbatch::workflows
