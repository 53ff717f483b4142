#include "logging/redactor.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace llmbatch::logging {
namespace {

constexpr const char* kCanary = "sk-canary/7+\"x\"=ü";

Redactor OfCanary() {
  Redactor redactor;
  redactor.Add(base::Secret(kCanary));
  return redactor;
}

TEST(Redactor, ReplacesEveryFormOfASecret) {
  const Redactor redactor = OfCanary();
  for (const std::string& form :
       {std::string(kCanary), base::EncodeBase64(kCanary), std::string("c2stY2FuYXJ5LzcrIngiPcO8"),
        std::string("sk-canary%2F7%2B%22x%22%3D%C3%BC"),
        std::string("sk-canary%2f7%2b%22x%22%3d%c3%bc"), std::string("sk-canary/7+\\\"x\\\"=ü")}) {
    EXPECT_EQ(redactor.Redact("Bearer " + form + " was refused, " + form),
              "Bearer [redacted] was refused, [redacted]")
        << form;
  }
}

TEST(Redactor, FindsASecretInsideALongerBase64Text) {
  const Redactor redactor = OfCanary();
  for (const char* user : {"", "a", "ab", "abc", "user:"}) {
    for (const char* end : {"", "x", "xy", "xyz"}) {
      const std::string whole = std::string(user) + kCanary + end;
      const std::string redacted = redactor.Redact("Basic " + base::EncodeBase64(whole));
      EXPECT_NE(redacted.find("[redacted]"), std::string::npos) << user << '+' << end;
    }
  }
}

TEST(Redactor, LeavesOtherTextsAlone) {
  const Redactor redactor = OfCanary();
  EXPECT_EQ(redactor.Redact("sk-canarx/7"), "sk-canarx/7");
  EXPECT_EQ(redactor.Redact(""), "");
}

TEST(Redactor, TakesShortTextsForNoSecrets) {
  Redactor redactor;
  redactor.Add(base::Secret());
  redactor.Add(base::Secret("error"));
  EXPECT_EQ(redactor.Redact("an error"), "an error");
}

TEST(Redactor, KnowsSeveralSecrets) {
  Redactor redactor;
  redactor.Add(base::Secret("first-secret"));
  redactor.Add(base::Secret("second-secret"));
  EXPECT_EQ(redactor.Redact("second-secret first-secret"), "[redacted] [redacted]");
}

}  // namespace
}  // namespace llmbatch::logging
