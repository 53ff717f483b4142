// The rules by which error responses are told apart, as data.
#pragma once

#include <optional>
#include <string_view>

#include "providers/error_body.h"
#include "providers/failure.h"

namespace llmbatch::providers {

// By the names and phrases of the error itself; nullopt if none is known.
std::optional<FailureClass> ClassByError(int http_status, const ErrorBody& error);

struct StatusMeaning {
  FailureClass cls = FailureClass::kProtocol;
  // A gateway gave up waiting: the model behind it may have gone on.
  bool maybe_billed = false;
};
StatusMeaning MeaningOfStatus(int http_status);

}  // namespace llmbatch::providers
