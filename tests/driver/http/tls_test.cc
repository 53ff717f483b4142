#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "driver/http/certificate.h"
#include "driver/http/driver.h"
#include "driver/http/faulty_server.h"

namespace llmbatch::http {
namespace {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content)
      : path_(testing::TempDir() + "llmbatch-ca-XXXXXX") {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a call to a server with this identity ends in, if these authorities are trusted.
std::string OutcomeWith(const TlsIdentity& identity, const std::string& trusted_pem) {
  const TemporaryFile trusted(trusted_pem);
  FaultyServer server(AlwaysAnswer("ok"), identity);
  Endpoint endpoint = LocalEndpoint(server.Url());
  endpoint.ca_file = trusted.path();
  Driver driver(std::move(endpoint));
  std::string outcome = Summary(driver.Run(Post(1)));
  EXPECT_EQ(server.posts(), outcome == "200 ok" ? 1 : 0);
  return outcome;
}

TEST(Tls, AcceptsACertificateOfATrustedAuthority) {
  const TlsIdentity identity = MakeCertificate({});
  EXPECT_EQ(OutcomeWith(identity, identity.certificate_pem), "200 ok");
}

TEST(Tls, OneConnectionServesOneCallAfterAnother) {
  const TlsIdentity identity = MakeCertificate({});
  const TemporaryFile trusted(identity.certificate_pem);
  FaultyServer server(AlwaysAnswer("ok"), identity);
  Endpoint endpoint = LocalEndpoint(server.Url());
  endpoint.ca_file = trusted.path();
  Driver driver(std::move(endpoint));
  for (std::uint64_t call = 1; call <= 20; ++call) {
    EXPECT_EQ(Summary(driver.Run(Post(call))), "200 ok");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Tls, RefusesACertificateOfAnotherAuthority) {
  EXPECT_EQ(OutcomeWith(MakeCertificate({}), MakeCertificate({}).certificate_pem),
            "connect, not processed");
}

TEST(Tls, RefusesACertificateOfAnotherHost) {
  const TlsIdentity identity = MakeCertificate({.host = "127.0.0.2"});
  EXPECT_EQ(OutcomeWith(identity, identity.certificate_pem), "connect, not processed");
}

TEST(Tls, RefusesAnExpiredCertificate) {
  const TlsIdentity identity = MakeCertificate({.valid_until_seconds = -60});
  EXPECT_EQ(OutcomeWith(identity, identity.certificate_pem), "connect, not processed");
}

TEST(Tls, RefusesASelfSignedCertificateByTheSystemsAuthorities) {
  FaultyServer server(AlwaysAnswer("ok"), MakeCertificate({}));
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "connect, not processed");
  EXPECT_EQ(server.posts(), 0);
}

TEST(Tls, IsNotLeftOutWhereTheServerSpeaksPlainHttp) {
  FaultyServer server([](Connection& connection) { connection.Send(Response(200, "ok")); });
  Driver driver(LocalEndpoint("https://127.0.0.1:" + std::to_string(server.port())));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "connect, not processed");
  EXPECT_EQ(server.posts(), 0);
}

}  // namespace
}  // namespace llmbatch::http
