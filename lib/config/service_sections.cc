#include <charconv>
#include <string_view>

#include "config/credential.h"
#include "config/sections.h"
#include "config/values.h"

namespace llmbatch::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Fewer could be tried one after the other.
constexpr std::size_t kMinLedgerSecretBytes = 16;

std::string FaultOfRedisUrl(std::string_view url) {
  if (!url.starts_with("redis://") && !url.starts_with("rediss://") &&
      !url.starts_with("unix:///")) {
    return "must be redis://host:port/database, rediss:// for TLS, or unix:///path";
  }
  if (url.find('@') != std::string_view::npos) {
    return "must have no credentials in it; use redis.user and redis.password";
  }
  return {};
}

// host:port; the server of these pages has no IPv6.
bool IsListenAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.find_first_of(":[]") != std::string_view::npos) return false;
  int port = -1;
  const char* end = port_text.data() + port_text.size();
  const auto [rest, error] = std::from_chars(port_text.data(), end, port);
  return error == std::errc{} && rest == end && port >= 0 && port <= 65535;
}

}  // namespace

std::string ReadCaFile(Section& section, const Environment& environment) {
  section.Known("ca_file");
  if (!section.Has("ca_file")) return {};
  std::string path = section.ResolvePath("ca_file", section.String("ca_file", ""));
  if (const auto text = environment.read_file(path); !text) {
    section.Fail("ca_file", text.error().message);
  }
  return path;
}

Redis ReadRedis(Section section, const Environment& environment) {
  Redis redis;
  redis.url = section.String("url", "");
  if (!redis.url.empty()) {
    const std::string fault = FaultOfRedisUrl(redis.url);
    if (!fault.empty()) section.Fail("url", fault);
  }
  if (section.Has("ca_file") && !redis.url.starts_with("rediss://")) {
    section.Fail("ca_file", "has no meaning without a url that begins with rediss://");
    section.Known("ca_file");
  } else {
    redis.ca_file = ReadCaFile(section, environment);
  }
  redis.user = section.String("user", "");
  redis.password = ReadSecret(section, "password", environment);
  redis.name_space = section.String("namespace", redis.name_space);
  if (!IsName(redis.name_space)) section.Fail("namespace", "must be 1 to 64 of A–Z a–z 0–9 . _ -");
  redis.lease = section.Duration("lease", redis.lease, {seconds(2), minutes(5)});
  redis.ledger_ttl = section.Duration("ledger_ttl", redis.ledger_ttl, {minutes(1), hours(24 * 90)});
  redis.ledger_secret = ReadSecret(section, "ledger_secret", environment);
  if (!redis.ledger_secret.empty() && redis.ledger_secret.Reveal().size() < kMinLedgerSecretBytes) {
    section.Fail("ledger_secret", "must have at least " + ToText(kMinLedgerSecretBytes) + " bytes");
  }
  section.RefuseOthers();
  return redis;
}

Admin ReadAdmin(Section section) {
  Admin admin;
  admin.listen = section.String("listen", admin.listen);
  if (!IsListenAddress(admin.listen)) {
    section.Fail("listen", "must be host:port with a name or an IPv4 address: \"127.0.0.1:9464\"");
  }
  section.RefuseOthers();
  return admin;
}

// "share", "closed", or "local:N".
void ReadOnRedisDown(Limits& limits, Section& section) {
  constexpr std::string_view kLocal = "local:";
  constexpr std::int64_t kMostCalls = 100'000;
  const std::string text = section.String("on_redis_down", "share");
  if (text == "share") return;
  if (text == "closed") {
    limits.on_redis_down = admission::WhenAway::kClosed;
    return;
  }
  const bool local = text.starts_with(kLocal);
  const char* const end = text.data() + text.size();
  const auto [rest, error] =
      std::from_chars(text.data() + (local ? kLocal.size() : 0), end, limits.local_concurrency);
  if (!local || error != std::errc() || rest != end || limits.local_concurrency < 1 ||
      limits.local_concurrency > kMostCalls) {
    section.Fail("on_redis_down",
                 "must be \"share\", \"closed\" or \"local:N\" with N between 1 and 100,000");
  }
  limits.on_redis_down = admission::WhenAway::kLocal;
}

Limits ReadLimits(Section section, const Kafka& kafka) {
  Limits limits;
  limits.concurrency = section.Int("concurrency", limits.concurrency, {.min = 1, .max = 100'000});
  ReadOnRedisDown(limits, section);
  limits.max_pending_bytes =
      section.Int("max_pending_bytes", limits.max_pending_bytes, {.min = 1024, .max = 64LL << 30});
  if (limits.max_pending_bytes < kafka.max_message_bytes) {
    section.Fail("max_pending_bytes", "must be at least kafka.max_message_bytes (" +
                                          ToText(kafka.max_message_bytes) +
                                          "), or the largest request could never be read");
  }
  limits.drain_timeout =
      section.Duration("drain_timeout", limits.drain_timeout, {milliseconds(0), hours(1)});
  limits.max_wait = section.Duration("max_wait", limits.max_wait, {seconds(1), hours(24 * 7)});
  limits.progress_interval = section.Duration("progress_interval", limits.progress_interval,
                                              {milliseconds(10), minutes(5)});
  limits.items_timeout =
      section.Duration("items_timeout", limits.items_timeout, {seconds(1), hours(24)});
  limits.commit_interval =
      section.Duration("commit_interval", limits.commit_interval, {milliseconds(10), minutes(1)});
  section.RefuseOthers();
  return limits;
}

std::map<std::string, std::int64_t> ReadUsers(Section section) {
  std::map<std::string, std::int64_t> weights;
  for (auto& [name, user] : section.NamedTables()) {
    weights.emplace(name, user.Int("weight", 1, {.min = 1, .max = 100}));
    user.RefuseOthers();
  }
  return weights;
}

}  // namespace llmbatch::config
