// CHECK ends the process when an invariant of ours is broken; systemd starts it again and nothing
// is lost. Never for input: a record, an answer, a Redis reply or a file that is wrong is an Error.
#pragma once

namespace llmbatch::base {

// Writes file, line and the expression to standard error and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression);

}  // namespace llmbatch::base

#define LLMBATCH_CHECK(expression)     \
  ((expression) ? static_cast<void>(0) \
                : ::llmbatch::base::CheckFailed(__FILE__, __LINE__, #expression))
