#include "http/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace llmbatch::http {
namespace {

bool IsPrivate(const std::string& text) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    return IsPrivateAddress(reinterpret_cast<const sockaddr&>(v4));
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
  return IsPrivateAddress(reinterpret_cast<const sockaddr&>(v6));
}

TEST(IsPrivateAddress, HoldsForEveryRangeFromItsFirstToItsLastAddress) {
  for (const char* address :
       {"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
        "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0",
        "172.31.255.255", "192.0.0.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
        "198.19.255.255", "224.0.0.1", "255.255.255.255"}) {
    EXPECT_TRUE(IsPrivate(address)) << address;
  }
}

TEST(IsPrivateAddress, DoesNotHoldForTheirNeighbours) {
  for (const char* address :
       {"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
        "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"}) {
    EXPECT_FALSE(IsPrivate(address)) << address;
  }
}

TEST(IsPrivateAddress, KnowsIpv6) {
  for (const char* address :
       {"::", "::1", "fc00::", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1"}) {
    EXPECT_TRUE(IsPrivate(address)) << address;
  }
  for (const char* address : {"2001:4860:4860::8888", "fbff::1", "fe7f::1", "2606:4700::1111"}) {
    EXPECT_FALSE(IsPrivate(address)) << address;
  }
}

TEST(IsPrivateAddress, LooksIntoIpv6AddressesThatCarryIpv4) {
  for (const char* prefix : {"::ffff:", "::", "64:ff9b::"}) {
    EXPECT_TRUE(IsPrivate(std::string(prefix) + "127.0.0.1")) << prefix;
    EXPECT_TRUE(IsPrivate(std::string(prefix) + "169.254.169.254")) << prefix;
    EXPECT_FALSE(IsPrivate(std::string(prefix) + "8.8.8.8")) << prefix;
  }
  EXPECT_TRUE(IsPrivate("2002:0a00:0001::1"));   // 6to4 of 10.0.0.1
  EXPECT_FALSE(IsPrivate("2002:0808:0808::1"));  // 6to4 of 8.8.8.8
}

TEST(IsPrivateAddress, HoldsForOtherFamilies) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_TRUE(IsPrivateAddress(reinterpret_cast<const sockaddr&>(local)));
}

}  // namespace
}  // namespace llmbatch::http
