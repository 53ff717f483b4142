#include "twin/planted.h"

#include <map>
#include <string_view>
#include <vector>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

using Document = rapidjson::Document;

void PlantMembers(const JsonValue& planted, Document& object) {
  for (const auto& member : planted.GetObject()) {
    const auto own = object.FindMember(member.name);
    if (own != object.MemberEnd()) own->value.CopyFrom(member.value, object.GetAllocator());
  }
}

std::string_view StemOf(std::string_view name) { return name.substr(0, name.find(" #")); }

// The first name of each stem stands for the others.
void PlantGroups(const JsonValue& names, JsonValue& groups, Document& object) {
  std::map<std::string_view, std::vector<std::string_view>> by_stem;
  for (const JsonValue& name : names.GetArray()) {
    if (name.IsString()) by_stem[StemOf(TextOf(name))].push_back(TextOf(name));
  }
  auto& allocator = object.GetAllocator();
  const auto text = [&allocator](std::string_view value) {
    return JsonValue(value.data(), static_cast<rapidjson::SizeType>(value.size()), allocator);
  };
  groups.SetArray();
  for (const auto& [stem, members] : by_stem) {
    if (members.size() < 2) continue;
    JsonValue aliases(rapidjson::kArrayType);
    for (std::size_t i = 1; i < members.size(); ++i) aliases.PushBack(text(members[i]), allocator);
    JsonValue group(rapidjson::kObjectType);
    group.AddMember("canonical", text(members.front()), allocator);
    group.AddMember("aliases", aliases, allocator);
    groups.PushBack(group, allocator);
  }
}

}  // namespace

std::optional<std::string> WithPlanted(const Item& item, const std::string& object) {
  const bool may_have = item.text.find("\"twin\"") != std::string::npos ||
                        item.text.find("\"classifications\"") != std::string::npos;
  if (!may_have) return std::nullopt;
  const auto input = ParseJson(item.text);
  if (!input || !input->IsObject()) return std::nullopt;
  const JsonValue* planted = Find(*input, "twin");
  const JsonValue* names = Find(*input, "classifications");
  const bool has_members = planted != nullptr && planted->IsObject();
  const bool has_names = names != nullptr && names->IsArray();
  if (!has_members && !has_names) return std::nullopt;
  auto answer = ParseJson(object);
  if (!answer || !answer->IsObject()) return std::nullopt;
  if (has_members) PlantMembers(*planted, *answer);
  const auto groups = answer->FindMember("groups");
  if (has_names && groups != answer->MemberEnd()) PlantGroups(*names, groups->value, *answer);
  return ToJson(*answer);
}

}  // namespace llmbatch::twin
