// Which network addresses lie inside our own walls.
#pragma once

struct sockaddr;

namespace llmbatch::http {

// True for loopback, private, link-local, carrier-grade NAT, multicast, reserved and unspecified
// addresses, for IPv6 addresses that carry such an IPv4 address in them, and for every family
// other than IPv4 and IPv6. `address` must be as long as its family says.
bool IsPrivateAddress(const sockaddr& address);

}  // namespace llmbatch::http
