// A credential that can't be printed by mistake.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace llmbatch::base {

// Has no operator<<, no conversion and no comparison; Reveal() is the one way in and easy to search
// for. Its memory is overwritten when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  // A copy, because a short string that is moved from keeps its bytes out of reach of Wipe().
  // NOLINTNEXTLINE(performance-move-constructor-init)
  Secret(Secret&& other) noexcept : value_(other.value_) { other.Wipe(); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { Wipe(); }

  bool empty() const { return value_.empty(); }
  // The credential itself. Valid until the Secret changes or ends.
  std::string_view Reveal() const { return value_; }

 private:
  void Wipe() noexcept;

  std::string value_;
};

}  // namespace llmbatch::base
