#include "base/result.h"

namespace llmbatch::base {

std::string_view ToString(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kTooLarge:
      return "too_large";
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kAborted:
      return "aborted";
    case ErrorKind::kDenied:
      return "denied";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace llmbatch::base
