#include "redis/address.h"

#include <charconv>
#include <optional>

namespace llmbatch::redis {
namespace {

constexpr std::int64_t kMaxDatabase = 1'000'000;
constexpr std::size_t kMaxSocketPathBytes = 107;  // of sockaddr_un

base::Error Wrong(std::string_view what) {
  return base::Invalid("redis.url: " + std::string(what));
}

std::optional<std::int64_t> ParseNumber(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end || number < min || number > max) return std::nullopt;
  return number;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text.size() - i < 3) return std::nullopt;
    const auto [stopped, error] = std::from_chars(digits, digits + 2, value, 16);
    if (error != std::errc{} || stopped != digits + 2) return std::nullopt;
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

// Takes "user:password@" off the front of `rest`.
base::Result<void> TakeLogin(std::string_view& rest, Address& address) {
  const std::size_t at = rest.rfind('@');
  if (at == std::string_view::npos) return {};
  const std::string_view login = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  const std::size_t colon = login.find(':');
  if (colon == std::string_view::npos) return Wrong("a login is written user:password@");
  const auto user = PercentDecode(login.substr(0, colon));
  auto password = PercentDecode(login.substr(colon + 1));
  if (!user || !password) return Wrong("the login has a bad %-sequence");
  address.user = *user;
  address.password = base::Secret(*std::move(password));
  return {};
}

// Takes ":port" off the end of `rest`; what is left is the host.
base::Result<void> TakePort(std::string_view& rest, Address& address) {
  const std::size_t colon = rest.rfind(':');
  const std::size_t bracket = rest.rfind(']');
  const bool inside_brackets = bracket != std::string_view::npos && colon < bracket;
  if (colon == std::string_view::npos || inside_brackets) return {};
  const auto port = ParseNumber(rest.substr(colon + 1), 1, 65'535);
  if (!port) return Wrong("the port must be 1 to 65535");
  address.port = static_cast<int>(*port);
  rest = rest.substr(0, colon);
  return {};
}

base::Result<Address> ParseTcp(std::string_view rest) {
  Address address;
  // A password may have a slash in it only as %2F, so the first one after the login ends the host.
  const std::size_t login_end = rest.rfind('@');
  const std::size_t slash = rest.find('/', login_end == std::string_view::npos ? 0 : login_end);
  if (slash != std::string_view::npos && slash + 1 < rest.size()) {
    const auto database = ParseNumber(rest.substr(slash + 1), 0, kMaxDatabase);
    if (!database) return Wrong("after the host comes nothing but /database, a number");
    address.database = *database;
  }
  rest = rest.substr(0, slash);
  if (auto login = TakeLogin(rest, address); !login) return login.error();
  if (auto port = TakePort(rest, address); !port) return port.error();
  if (rest.size() >= 2 && rest.front() == '[' && rest.back() == ']') {
    rest = rest.substr(1, rest.size() - 2);
  } else if (rest.find(':') != std::string_view::npos) {
    return Wrong("an IPv6 host is written in brackets");
  }
  if (rest.empty()) return Wrong("the host is missing");
  address.host = std::string(rest);
  return address;
}

base::Result<Address> ParseUnix(std::string_view rest) {
  Address address;
  constexpr std::string_view kDatabase = "?db=";
  if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
    const std::string_view text = rest.substr(query);
    const auto database = text.substr(0, kDatabase.size()) == kDatabase
                              ? ParseNumber(text.substr(kDatabase.size()), 0, kMaxDatabase)
                              : std::nullopt;
    if (!database) return Wrong("after the socket's path comes nothing but ?db=N");
    address.database = *database;
    rest = rest.substr(0, query);
  }
  if (rest.empty() || rest.front() != '/') return Wrong("a socket is written unix:///path");
  if (rest.size() > kMaxSocketPathBytes) return Wrong("the socket's path is over 107 bytes");
  address.path = std::string(rest);
  return address;
}

}  // namespace

std::string Address::Name() const {
  if (!path.empty()) return "redis at " + path;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return "redis at " + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

base::Result<Address> ParseAddress(std::string_view url) {
  if (url.find('\0') != std::string_view::npos) return Wrong("has a zero byte in it");
  if (url.substr(0, 8) == "redis://") return ParseTcp(url.substr(8));
  if (url.substr(0, 7) == "unix://") return ParseUnix(url.substr(7));
  if (url.substr(0, 9) == "rediss://") {
    auto address = ParseTcp(url.substr(9));
    if (address) address->tls = true;
    return address;
  }
  return Wrong("must begin with redis://, rediss:// or unix://");
}

}  // namespace llmbatch::redis
