#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace llmbatch::http {
namespace {

struct V4Range {
  std::uint32_t network;
  int bits;
};

constexpr std::array kPrivateV4 = {
    V4Range{0x00000000, 8},   // 0.0.0.0: this network
    V4Range{0x0a000000, 8},   // 10.0.0.0
    V4Range{0x64400000, 10},  // 100.64.0.0: carrier-grade NAT
    V4Range{0x7f000000, 8},   // 127.0.0.0: loopback
    V4Range{0xa9fe0000, 16},  // 169.254.0.0: link-local, cloud metadata services
    V4Range{0xac100000, 12},  // 172.16.0.0
    V4Range{0xc0000000, 24},  // 192.0.0.0: protocol assignments
    V4Range{0xc0a80000, 16},  // 192.168.0.0
    V4Range{0xc6120000, 15},  // 198.18.0.0: benchmarks
    V4Range{0xe0000000, 3},   // 224.0.0.0 and above: multicast, reserved, broadcast
};

bool IsPrivateV4(std::uint32_t address) {
  return std::any_of(kPrivateV4.begin(), kPrivateV4.end(), [address](const V4Range& range) {
    return (address ^ range.network) >> (32 - range.bits) == 0;
  });
}

std::uint32_t ReadV4(std::span<const std::uint8_t, 4> bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

bool IsPrivateV6(std::span<const std::uint8_t, 16> bytes) {
  if ((bytes[0] & 0xfe) == 0xfc) return true;             // fc00::/7: unique local
  if (bytes[0] == 0xfe && bytes[1] >= 0x80) return true;  // fe80::/10, fec0::/10
  if (bytes[0] == 0xff) return true;                      // ff00::/8: multicast
  if (bytes[0] == 0x20 && bytes[1] == 0x02) {             // 2002::/16: 6to4
    return IsPrivateV4(ReadV4(bytes.subspan<2, 4>()));
  }
  constexpr std::array<std::uint8_t, 12> kNat64 = {0x00, 0x64, 0xff, 0x9b};
  if (std::equal(kNat64.begin(), kNat64.end(), bytes.begin())) {
    return IsPrivateV4(ReadV4(bytes.subspan<12, 4>()));
  }
  const auto is_zero = [](std::uint8_t byte) { return byte == 0; };
  if (!std::all_of(bytes.begin(), bytes.begin() + 10, is_zero)) return false;
  const bool mapped = bytes[10] == 0xff && bytes[11] == 0xff;  // ::ffff:0:0/96
  const bool compatible = bytes[10] == 0 && bytes[11] == 0;    // ::/96, with :: and ::1 in it
  return (mapped || compatible) && IsPrivateV4(ReadV4(bytes.subspan<12, 4>()));
}

}  // namespace

bool IsPrivateAddress(const sockaddr& address) {
  // Copied, because the caller's bytes need not be aligned for the wider types.
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return IsPrivateV4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    return IsPrivateV6(std::span<const std::uint8_t, 16>(v6.sin6_addr.s6_addr));
  }
  return true;
}

}  // namespace llmbatch::http
