#include "http/endpoint.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace llmbatch::http {
namespace {

Endpoint Sound() {
  Endpoint endpoint;
  endpoint.base_url = "https://api.example.com/v1";
  return endpoint;
}

std::string FaultOf(const Endpoint& endpoint) {
  const auto valid = Validate("openai", endpoint);
  return valid.ok() ? "" : valid.error().message;
}

std::string FaultOfUrl(std::string url) {
  Endpoint endpoint = Sound();
  endpoint.base_url = std::move(url);
  return FaultOf(endpoint);
}

std::string FaultOfKey(std::string key) {
  Endpoint endpoint = Sound();
  endpoint.credentials.push_back({"Authorization", "Bearer ", base::Secret(std::move(key))});
  return FaultOf(endpoint);
}

TEST(Validate, AcceptsWhatCanWork) {
  EXPECT_EQ(FaultOf(Sound()), "");
  EXPECT_EQ(FaultOfKey("sk-0123"), "");
  EXPECT_EQ(FaultOfUrl("https://[2001:db8::1]:8443"), "");
}

TEST(Validate, NamesProviderAndFieldOfABadUrl) {
  EXPECT_EQ(FaultOfUrl(""), "providers.openai.base_url: is no URL");
  EXPECT_EQ(FaultOfUrl("https://a b/"), "providers.openai.base_url: is no URL");
  EXPECT_EQ(FaultOfUrl("ftp://host/"), "providers.openai.base_url: must begin with https://");
  EXPECT_EQ(FaultOfUrl("file:///etc/passwd"),
            "providers.openai.base_url: must begin with https://");
  EXPECT_EQ(FaultOfUrl("http://host/"),
            "providers.openai.base_url: may be http only with allow_private");
  EXPECT_EQ(FaultOfUrl("https://me:pw@host/"),
            "providers.openai.base_url: must have no user or password in it");
  EXPECT_EQ(FaultOfUrl("https://host/?key=1"),
            "providers.openai.base_url: must have no query or fragment");
}

TEST(Validate, NeverShowsAKey) {
  EXPECT_EQ(FaultOfKey(""), "providers.openai.api_key: is empty");
  // The newline that an editor leaves at the end of a file.
  EXPECT_EQ(FaultOfKey("sk-0123\n"),
            "providers.openai.api_key: has a character that no HTTP header may have");
}

TEST(Validate, ChecksTheRest) {
  Endpoint endpoint = Sound();
  endpoint.ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(FaultOf(endpoint), "providers.openai.ca_file: can't be read");
  endpoint = Sound();
  endpoint.proxy = "http://";
  EXPECT_EQ(FaultOf(endpoint), "providers.openai.proxy: is no URL");
  endpoint = Sound();
  endpoint.connect_timeout = std::chrono::microseconds(10);
  EXPECT_EQ(FaultOf(endpoint), "providers.openai.connect_timeout: must be at least a millisecond");
  endpoint = Sound();
  endpoint.max_connections = 0;
  EXPECT_EQ(FaultOf(endpoint), "providers.openai.max_connections: must be at least 1");
}

TEST(IsValidHeader, RefusesWhatWouldSplitARequest) {
  EXPECT_TRUE(IsValidHeader("x-request-id", "a b\tc"));
  EXPECT_FALSE(IsValidHeader("x-request-id", "a\r\nx-other: b"));
  EXPECT_FALSE(IsValidHeader("x-request-id", std::string("a\0b", 3)));
  EXPECT_FALSE(IsValidHeader("x request", "a"));
  EXPECT_FALSE(IsValidHeader("x-request:", "a"));
  EXPECT_FALSE(IsValidHeader("", "a"));
}

}  // namespace
}  // namespace llmbatch::http
