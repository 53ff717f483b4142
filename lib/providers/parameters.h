// Parameters: what a task adds to a provider's request, without what the format keeps to itself.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "json/writer.h"

namespace llmbatch::providers {

// Members that the daemon writes itself, or that change the form of the answer.
struct ReservedNames {
  std::span<const std::string_view> names;
  std::string_view also{};  // one more of them
  // A member that daemon and task write together, and what is reserved within it.
  std::string_view shared_object{};
  std::span<const std::string_view> within_shared{};
};

// Whether `parameters_json` is a JSON object without reserved members. Empty is fine. The error
// names the member.
base::Result<void> CheckParameters(std::string_view parameters_json, const ReservedNames& reserved);

// Reserved members are left out; so is everything if it is no JSON object.
class Parameters {
 public:
  Parameters(std::string_view parameters_json, const ReservedNames& reserved);

  // Writes the members, but the shared object, into the object that is open.
  void Write(json::Writer& writer) const;
  bool has_shared() const { return !shared_.empty(); }
  // Writes the members of the shared object into the object that is open.
  void WriteShared(json::Writer& writer) const;

 private:
  std::optional<json::Document> document_;  // the members point into it
  std::vector<json::Member> members_;
  std::vector<json::Member> shared_;
};

}  // namespace llmbatch::providers
