// Errors as values. A function that can fail returns Result<T>; nothing on the data plane throws.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/time.h"

namespace llmbatch::base {

enum class ErrorKind {
  kInvalid,      // the input is wrong; the same input will fail again
  kTooLarge,     // over a limit of ours or of a peer
  kNotFound,     // what was named doesn't exist
  kUnavailable,  // a peer is away, overloaded or has forbidden us for a while
  kTimeout,      // no answer in time; what was asked may have happened all the same
  kAborted,      // we gave it up ourselves
  kDenied,       // credentials or rights are missing
  kInternal,     // a fault of ours
};

std::string_view ToString(ErrorKind kind);

// Why something failed, in words for an operator: names the field, file or key, never its content.
struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;
  // How long the peer asked us to wait, where it did.
  std::optional<Duration> retry_after;

  // Whether the same attempt may succeed later.
  bool retryable() const { return kind == ErrorKind::kUnavailable || kind == ErrorKind::kTimeout; }

  friend bool operator==(const Error&, const Error&) = default;
};

inline Error Invalid(std::string message) {
  return Error{.kind = ErrorKind::kInvalid, .message = std::move(message), .retry_after = {}};
}
inline Error MakeError(ErrorKind kind, std::string message) {
  return Error{.kind = kind, .message = std::move(message), .retry_after = {}};
}

// Either a T or an Error. Implicit from both, so that `return value;` and `return Invalid("…");`
// read alike.
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok()
  const T& value() const& {
    LLMBATCH_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T& value() & {
    LLMBATCH_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    LLMBATCH_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  // REQUIRES: !ok()
  const Error& error() const {
    LLMBATCH_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }

  // REQUIRES: !ok()
  const Error& error() const {
    LLMBATCH_CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace llmbatch::base
