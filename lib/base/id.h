// Ids that don't mix: CallId and BatchId are different types, and neither is a number.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace llmbatch::base {

template <typename Tag>
struct Id {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Id, Id) = default;
};

// Hands out 1, 2, 3 … within one process.
template <typename IdType>
class IdSequence {
 public:
  IdType Next() { return IdType{++last_}; }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace llmbatch::base

template <typename Tag>
struct std::hash<llmbatch::base::Id<Tag>> {
  std::size_t operator()(llmbatch::base::Id<Tag> id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
