#include "wire/reference.h"

#include <string>

namespace llmbatch::wire {
namespace {

constexpr std::string_view kKept = "redis:";
constexpr std::string_view kHttps = "https://";
constexpr json::StringLimits kReferenceLimits{.min_code_points = 1,
                                              .max_code_points = kMaxReferenceCodePoints,
                                              .allow_control_characters = false};

}  // namespace

std::optional<model::DocumentPlace> ReadPlace(json::ObjectReader& reader, std::string_view name) {
  using Store = model::DocumentPlace::Store;
  const std::string text = reader.String(name, kReferenceLimits);
  if (text.starts_with(kHttps)) return model::DocumentPlace{.store = Store::kHttps, .name = text};
  if (text.starts_with(kKept) && text.size() > kKept.size())
    return model::DocumentPlace{.store = Store::kKept, .name = text.substr(kKept.size())};
  reader.Fail(name, "must be redis: and a name, or begin with https://");
  return std::nullopt;
}

}  // namespace llmbatch::wire
