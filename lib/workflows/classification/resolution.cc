#include "workflows/classification/resolution.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "json/value.h"

namespace llmbatch::workflows {
namespace {

using json::Kind;

struct Group {
  std::string canonical;
  std::set<std::string, std::less<>> aliases;
};

std::optional<Group> ReadGroup(json::Value value) {
  const auto canonical = value.Find("canonical");
  const auto aliases = value.Find("aliases");
  if (!canonical || !canonical->is(Kind::kString) || !aliases || !aliases->is(Kind::kArray))
    return std::nullopt;
  Group group{.canonical = std::string(canonical->AsString()), .aliases = {}};
  for (std::size_t i = 0; i < aliases->size(); ++i) {
    const json::Value alias = aliases->At(i);
    if (alias.is(Kind::kString) && alias.AsString() != group.canonical)
      group.aliases.emplace(alias.AsString());
  }
  return group;
}

std::vector<Group> ReadGroups(std::string_view answer_json) {
  std::vector<Group> groups;
  const auto document = json::Document::Parse(answer_json);
  const auto list = document ? document->root().Find("groups") : std::nullopt;
  if (!list || !list->is(Kind::kArray)) return groups;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (auto group = ReadGroup(list->At(i))) groups.push_back(*std::move(group));
  }
  return groups;
}

}  // namespace

Resolutions ReadResolutions(std::string_view answer_json, std::span<const std::string> names) {
  const std::set<std::string, std::less<>> known(names.begin(), names.end());
  std::vector<Group> groups = ReadGroups(answer_json);
  std::map<std::string, int, std::less<>> memberships;
  for (const Group& group : groups) {
    ++memberships[group.canonical];
    for (const std::string& alias : group.aliases) ++memberships[alias];
  }
  Resolutions resolutions;
  for (const Group& group : groups) {
    if (group.aliases.empty()) continue;
    ++resolutions.found;
    const auto shared = [&](const std::string& name) { return memberships.at(name) > 1; };
    if (!known.contains(group.canonical) || shared(group.canonical) ||
        std::any_of(group.aliases.begin(), group.aliases.end(), shared))
      continue;
    Resolution resolution{.canonical = group.canonical, .aliases = {}};
    for (const std::string& alias : group.aliases) {
      if (known.contains(alias)) resolution.aliases.push_back(alias);
    }
    if (!resolution.aliases.empty()) resolutions.applied.push_back(std::move(resolution));
  }
  return resolutions;
}

std::map<std::string, std::string, std::less<>> MappingOf(const std::vector<Resolution>& applied) {
  std::map<std::string, std::string, std::less<>> mapping;
  for (const Resolution& each : applied) {
    for (const std::string& alias : each.aliases) mapping.emplace(alias, each.canonical);
  }
  return mapping;
}

}  // namespace llmbatch::workflows
