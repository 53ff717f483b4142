// TLS to a real server: who is trusted, and that nothing is sent to anybody else.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>

#include "driver/http/certificate.h"
#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"
#include "runtime/clock.h"

namespace llmbatch::redis {
namespace {

// Certificates in files of a folder of their own.
class Files {
 public:
  Files() {
    std::string pattern = (std::filesystem::temp_directory_path() / "redis_tls_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~Files() { std::filesystem::remove_all(folder_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ + "/" + name) << content;
    return folder_ + "/" + name;
  }
  std::string folder() const { return folder_; }

 private:
  std::string folder_;
};

// A redis-server with this identity, on a loopback port besides the socket.
class TlsServer {
 public:
  explicit TlsServer(const http::CertificateOptions& options = {})
      : identity_(http::MakeCertificate(options)),
        port_(std::to_string(FreePort())),
        server_({"--tls-port", port_, "--bind", "127.0.0.1", "--tls-auth-clients", "no",
                 "--tls-cert-file", files_.Write("cert.pem", identity_.certificate_pem),
                 "--tls-key-file", files_.Write("key.pem", identity_.key_pem), "--tls-ca-cert-file",
                 files_.folder() + "/cert.pem"}) {}

  std::string url() const { return "rediss://127.0.0.1:" + port_; }
  std::string ca_file() const { return files_.folder() + "/cert.pem"; }
  const RedisServer& server() const { return server_; }

 private:
  Files files_;
  http::TlsIdentity identity_;
  std::string port_;
  RedisServer server_;
};

// "granted", or why not.
std::string OutcomeOf(const std::string& url, const std::string& ca_file,
                      base::Secret password = {}) {
  RedisOptions options = Replica::Options(url);
  options.ca_file = ca_file;
  options.user = password.empty() ? "" : "tester";
  options.password = std::move(password);
  Replica replica(std::move(options));
  const auto state = replica.Sync(1);
  return state ? "granted" : state.error().message;
}

}  // namespace

TEST(RedisTls, ServesAsWithoutIt) {
  const TlsServer server;
  EXPECT_EQ(OutcomeOf(server.url(), server.ca_file()), "granted");
}

TEST(RedisTls, CarriesLargeValuesBothWays) {
  const TlsServer server;
  RedisOptions options = Replica::Options(server.url());
  options.ca_file = server.ca_file();
  Replica replica(std::move(options));
  // More than a record of TLS, than hiredis' buffer and than the socket's.
  const std::string value(5'000'000, 'v');
  ASSERT_TRUE(replica.ask().Store({{.key = "k", .value = value}}, std::chrono::hours(1)).ok());
  const auto outcomes = replica.ask().LookUp({"k"});
  ASSERT_TRUE(outcomes.ok());
  EXPECT_EQ(outcomes->front(), value);
}

TEST(RedisTls, HearsOfFreePermits) {
  const TlsServer server;
  RedisOptions options = Replica::Options(server.url());
  options.ca_file = server.ca_file();
  Replica replica(std::move(options));
  // Said once by the second connection when it has subscribed.
  const auto events =
      replica.inbox().WaitUntil(runtime::ReadClock().steady + std::chrono::seconds(20));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<ports::PermitsOffered>(events.front()));
}

TEST(RedisTls, LogsInAsAUser) {
  const TlsServer server;
  ASSERT_EQ(server.server().Command("ACL SETUSER tester on >secret ~* &* +@all"), "+OK");
  ASSERT_EQ(server.server().Command("ACL SETUSER default resetpass -@all +acl"), "+OK");
  EXPECT_EQ(OutcomeOf(server.url(), server.ca_file(), base::Secret("secret")), "granted");
  EXPECT_NE(OutcomeOf(server.url(), server.ca_file(), base::Secret("wrong")), "granted");
}

TEST(RedisTls, RefusesAnotherAuthoritysCertificate) {
  const TlsServer server;
  const Files files;
  const std::string other = files.Write("other.pem", http::MakeCertificate({}).certificate_pem);
  EXPECT_NE(OutcomeOf(server.url(), other).find("certificate is refused"), std::string::npos);
}

TEST(RedisTls, RefusesASelfSignedCertificateByTheSystemsAuthorities) {
  const TlsServer server;
  EXPECT_NE(OutcomeOf(server.url(), "").find("certificate is refused: self-signed"),
            std::string::npos);
}

TEST(RedisTls, RefusesACertificateOfAnotherHost) {
  const TlsServer server({.host = "127.0.0.2"});
  EXPECT_NE(OutcomeOf(server.url(), server.ca_file()).find("certificate is refused: IP address"),
            std::string::npos);
}

TEST(RedisTls, RefusesAnExpiredCertificate) {
  const TlsServer server({.valid_until_seconds = -60});
  EXPECT_NE(OutcomeOf(server.url(), server.ca_file()).find("has expired"), std::string::npos);
}

TEST(RedisTls, IsNotLeftOutWhereTheServerHasNone) {
  const TlsServer server;
  const std::string plain = "redis" + server.url().substr(6);
  EXPECT_NE(OutcomeOf(plain, ""), "granted");
}

TEST(RedisTls, TellsOfAnUnusableFileOfAuthorities) {
  const TlsServer server;
  const Files files;
  EXPECT_NE(OutcomeOf(server.url(), files.Write("none.pem", "no PEM")).find("redis.ca_file"),
            std::string::npos);
}

}  // namespace llmbatch::redis
