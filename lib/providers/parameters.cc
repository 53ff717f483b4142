#include "providers/parameters.h"

#include <algorithm>
#include <string>
#include <utility>

namespace llmbatch::providers {
namespace {

using json::Kind;
using json::Member;
using json::Value;

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsReserved(const ReservedNames& reserved, std::string_view name) {
  return Contains(reserved.names, name) || (!reserved.also.empty() && name == reserved.also);
}

bool IsShared(const ReservedNames& reserved, std::string_view name) {
  return !reserved.shared_object.empty() && name == reserved.shared_object;
}

base::Error Refused(std::string_view name) {
  return base::Invalid("parameters." + std::string(name) +
                       ": is set by the daemon and can't be given here");
}

base::Result<void> CheckShared(const Member& shared, const ReservedNames& reserved) {
  const std::string name(shared.name);
  if (!shared.value.is(Kind::kObject)) {
    return base::Invalid("parameters." + name + ": must be an object");
  }
  for (std::size_t i = 0; i < shared.value.size(); ++i) {
    const std::string_view inner = shared.value.MemberAt(i).name;
    if (Contains(reserved.within_shared, inner)) return Refused(name + "." + std::string(inner));
  }
  return {};
}

void WriteMembers(const std::vector<Member>& members, json::Writer& writer) {
  for (const Member& member : members) writer.Key(member.name).Raw(member.value.ToJson());
}

}  // namespace

base::Result<void> CheckParameters(std::string_view parameters_json,
                                   const ReservedNames& reserved) {
  if (parameters_json.empty()) return {};
  const auto document = json::Document::Parse(parameters_json);
  if (!document || !document->root().is(Kind::kObject)) {
    return base::Invalid("parameters: must be a JSON object");
  }
  for (std::size_t i = 0; i < document->root().size(); ++i) {
    const Member member = document->root().MemberAt(i);
    if (IsReserved(reserved, member.name)) return Refused(member.name);
    if (!IsShared(reserved, member.name)) continue;
    const auto valid = CheckShared(member, reserved);
    if (!valid) return valid;
  }
  return {};
}

Parameters::Parameters(std::string_view parameters_json, const ReservedNames& reserved) {
  if (parameters_json.empty()) return;
  auto document = json::Document::Parse(parameters_json);
  if (!document || !document->root().is(Kind::kObject)) return;
  document_ = std::move(document).value();
  const Value root = document_->root();
  for (std::size_t i = 0; i < root.size(); ++i) {
    const Member member = root.MemberAt(i);
    if (IsReserved(reserved, member.name)) continue;
    if (!IsShared(reserved, member.name)) {
      members_.push_back(member);
      continue;
    }
    for (std::size_t k = 0; member.value.is(Kind::kObject) && k < member.value.size(); ++k) {
      const Member inner = member.value.MemberAt(k);
      if (!Contains(reserved.within_shared, inner.name)) shared_.push_back(inner);
    }
  }
}

void Parameters::Write(json::Writer& writer) const { WriteMembers(members_, writer); }
void Parameters::WriteShared(json::Writer& writer) const { WriteMembers(shared_, writer); }

}  // namespace llmbatch::providers
