// Tables of error bodies and what they are judged to be.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "providers/failure.h"

namespace llmbatch::providers {

inline CallFailure ClassifyBody(int status, std::string_view body) {
  return Classify(ports::HttpResponse{.status = status, .body = std::string(body)}, {});
}

struct FailureCase {
  int status;
  std::string_view body;
  FailureClass cls;
};

inline void ExpectClasses(const std::vector<FailureCase>& cases) {
  for (const FailureCase& c : cases) {
    const CallFailure failure = ClassifyBody(c.status, c.body);
    EXPECT_EQ(failure.cls, c.cls) << c.status << ' ' << c.body << " is " << ToString(failure.cls);
    EXPECT_EQ(failure.http_status, c.status);
  }
}

}  // namespace llmbatch::providers
