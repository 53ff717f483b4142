#include "redis/address.h"

#include <gtest/gtest.h>

namespace llmbatch::redis {
namespace {

TEST(Address, ReadsWhatIsAllowed) {
  struct Case {
    std::string_view url, name, user, password;
    std::int64_t database;
  };
  for (const Case& each : {
           Case{"redis://cache", "redis at cache:6379", "", "", 0},
           Case{"redis://cache/", "redis at cache:6379", "", "", 0},
           Case{"redis://cache:7000/3", "redis at cache:7000", "", "", 3},
           Case{"redis://[::1]", "redis at [::1]:6379", "", "", 0},
           Case{"redis://[::1]:7000/1", "redis at [::1]:7000", "", "", 1},
           Case{"redis://:pw@cache", "redis at cache:6379", "", "pw", 0},
           Case{"redis://app:p%40s%2Fs%3a@cache:1/2", "redis at cache:1", "app", "p@s/s:", 2},
           Case{"unix:///run/redis.sock", "redis at /run/redis.sock", "", "", 0},
           Case{"unix:///run/redis.sock?db=7", "redis at /run/redis.sock", "", "", 7},
       }) {
    const auto address = ParseAddress(each.url);
    ASSERT_TRUE(address.ok()) << each.url << ": " << address.error().message;
    EXPECT_EQ(address->Name(), each.name) << each.url;
    EXPECT_EQ(address->user, each.user) << each.url;
    EXPECT_EQ(address->password.Reveal(), each.password) << each.url;
    EXPECT_EQ(address->database, each.database) << each.url;
  }
}

TEST(Address, RefusesEverythingElseWithoutRepeatingIt) {
  for (const std::string_view url : {
           "",
           "redis",
           "redis:",
           "redis://",
           "redis:///0",
           "redis://:6379",
           "http://cache",
           "redis://cache:0",
           "redis://cache:65536",
           "redis://cache:x",
           "redis://cache:",
           "redis://cache/x",
           "redis://cache/-1",
           "redis://cache/1/2",
           "redis://::1",
           "redis://SECRET@cache",
           "redis://a:SECRET%4@cache",
           "redis://a:SECRET%zz@cache",
           "unix://relative",
           "unix://",
           "unix:///a?x=1",
           "unix:///a?db=",
           "unix:///a?db=1x",
           "rediss://:SECRET@cache:x",
       }) {
    const auto address = ParseAddress(url);
    ASSERT_FALSE(address.ok()) << url;
    EXPECT_EQ(address.error().kind, base::ErrorKind::kInvalid);
    EXPECT_EQ(address.error().message.find("SECRET"), std::string::npos) << url;
    EXPECT_EQ(address.error().message.substr(0, 10), "redis.url:") << url;
  }
  EXPECT_FALSE(ParseAddress(std::string("unix:///a\0b", 11)).ok());
  EXPECT_FALSE(ParseAddress("unix:///" + std::string(107, 'a')).ok());
}

}  // namespace
}  // namespace llmbatch::redis
