#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "driver/http/certificate.h"
#include "driver/http/faulty_server.h"
#include "http/document_client.h"
#include "ports/events.h"
#include "runtime/clock.h"
#include "runtime/inbox.h"

namespace llmbatch::http {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kMaxBytes = 100;

class Authorities {
 public:
  explicit Authorities(const std::string& pem) : path_(testing::TempDir() + "llmbatch-ca-XXXXXX") {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << pem;
  }
  ~Authorities() { std::filesystem::remove(path_); }
  Authorities(const Authorities&) = delete;
  Authorities& operator=(const Authorities&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A host with documents, and a client that may fetch them.
class Documents {
 public:
  explicit Documents(FaultyServer::Behaviour behaviour,
                     const std::function<void(DocumentOptions&)>& change = {})
      : authorities_(identity_.certificate_pem), server_(std::move(behaviour), identity_) {
    DocumentOptions options;
    options.hosts = {"127.0.0.1:" + std::to_string(server_.port())};
    options.download.ca_file = authorities_.path();
    options.download.allow_private = true;
    if (change) change(options);
    auto client = DocumentClient::Start(std::move(options), inbox_);
    if (!client) throw std::runtime_error(client.error().message);
    client_ = std::move(client).value();
  }

  std::string Url(const std::string& path = "/lease") const { return server_.Url() + path; }
  FaultyServer& server() { return server_; }
  DocumentClient& client() { return *client_; }

  void Begin(std::uint64_t id, const std::string& url) {
    client_->Execute({.fetch = model::FetchId{id},
                      .place = {.store = model::DocumentPlace::Store::kHttps, .name = url},
                      .user_id = "u",
                      .max_bytes = kMaxBytes});
  }

  // Completions that have come, one line each: the text, or kind and message.
  std::map<std::uint64_t, std::string> Wait(std::size_t count) {
    const auto deadline = runtime::ReadClock().steady + std::chrono::seconds(20);
    while (told_.size() < count && runtime::ReadClock().steady < deadline) {
      for (ports::Event& event : inbox_.WaitUntil(deadline)) {
        auto* fetched = std::get_if<ports::DocumentFetched>(&event);
        if (fetched == nullptr) continue;
        const auto& text = fetched->text;
        told_[fetched->fetch.value] =
            text ? *text : std::string(ToString(text.error().kind)) + ": " + text.error().message;
      }
    }
    return told_;
  }

  std::string Fetch(const std::string& url) {
    told_.clear();
    Begin(1, url);
    return Wait(1)[1];
  }

 private:
  TlsIdentity identity_ = MakeCertificate({});
  Authorities authorities_;
  FaultyServer server_;
  runtime::Inbox inbox_;
  std::unique_ptr<DocumentClient> client_;
  std::map<std::uint64_t, std::string> told_;
};

TEST(Documents, FetchesByOneGetOnAConnectionOfItsOwn) {
  std::string request;
  Documents documents([&request](Connection& connection) {
    while (connection.ReadRequest()) {
      request = connection.request();
      connection.Send(Response(200, "The rent is due."));
    }
  });
  EXPECT_EQ(documents.Fetch(documents.Url("/lease?key=a%20b#part")), "The rent is due.");
  EXPECT_TRUE(documents.server().WaitUntilAllAreClosed());
  EXPECT_THAT(request, HasSubstr("GET /lease?key=a%20b HTTP/1.1\r\n"));
  EXPECT_THAT(request, Not(HasSubstr("uthorization")));
  EXPECT_EQ(documents.Fetch(documents.Url()), "The rent is due.");
  EXPECT_EQ(documents.server().connections(), 2);
}

TEST(Documents, OnlyListedHostsArePartOfTheWorld) {
  Documents documents(AlwaysAnswer("secret"), [](DocumentOptions& options) {
    options.hosts.push_back("Files.Example.com");
  });
  const std::string port = std::to_string(documents.server().port());
  for (const std::string& url :
       {"https://127.0.0.2:" + port + "/", std::string("https://127.0.0.1/"),
        "https://files.example.com:" + port + "/", std::string("https://files.example.com./"),
        "https://127.0.0.1:" + port + ".example.com/", std::string("https://[::1]:" + port + "/"),
        "https://localhost:" + port + "/", std::string("https://example.com/?127.0.0.1:" + port),
        std::string("https://xfiles.example.com/"), std::string("https:///x")}) {
    EXPECT_THAT(documents.Fetch(url), HasSubstr(": ")) << url;
    EXPECT_THAT(documents.Fetch(url), Not(HasSubstr("secret"))) << url;
    EXPECT_THAT(documents.Fetch(url), Not(HasSubstr("127.0.0.1"))) << url;
  }
  for (const std::string& url :
       {"http://127.0.0.1:" + port + "/", "https://user@127.0.0.1:" + port + "/",
        "https://127.0.0.1:" + port + "@example.com/", "file:///etc/passwd" + std::string(),
        std::string("https://"), std::string()}) {
    EXPECT_EQ(documents.Fetch(url), "invalid: is no https URL without a user in it") << url;
  }
  EXPECT_EQ(documents.server().connections(), 0);
}

TEST(Documents, PrivateAddressesAreRefusedUnlessAllowed) {
  Documents documents(AlwaysAnswer("inside"),
                      [](DocumentOptions& options) { options.download.allow_private = false; });
  EXPECT_EQ(documents.Fetch(documents.Url()),
            "denied: its host has a private address, and documents.allow_private is not set");
  EXPECT_EQ(documents.server().connections(), 0);
}

TEST(Documents, ANameThatLeadsInsideIsRefusedWhenItIsResolved) {
  Documents documents(AlwaysAnswer("inside"), [](DocumentOptions& options) {
    options.download.allow_private = false;
    const std::string port = options.hosts[0].substr(options.hosts[0].find(':'));
    options.hosts = {"localhost" + port};
  });
  const std::string url = "https://localhost:" + std::to_string(documents.server().port()) + "/";
  EXPECT_EQ(documents.Fetch(url),
            "denied: its host has a private address, and documents.allow_private is not set");
  EXPECT_EQ(documents.server().connections(), 0);
}

TEST(Documents, NoProxyOfTheEnvironmentIsAsked) {
  setenv("https_proxy", "http://127.0.0.1:1", 1);
  Documents documents(AlwaysAnswer("text"));
  EXPECT_EQ(documents.Fetch(documents.Url()), "text");
  unsetenv("https_proxy");
}

TEST(Documents, NoRedirectIsFollowed) {
  FaultyServer other(AlwaysAnswer("inside"));
  Documents documents([&other](Connection& connection) {
    connection.ReadRequest();
    connection.Send(Response(302, "", "Location: " + other.Url() + "/\r\n"));
  });
  EXPECT_EQ(documents.Fetch(documents.Url()),
            "invalid: its host answers with a redirect (302), which is not followed");
  EXPECT_EQ(other.connections(), 0);
}

TEST(Documents, StatusesSayWhetherToTryAgain) {
  std::atomic<int> status = 0;
  Documents documents([&status](Connection& connection) {
    connection.ReadRequest();
    connection.Send(Response(status, "<html>not for anybody</html>"));
  });
  const std::map<int, std::string> kinds{
      {204, "invalid"},     {401, "denied"},      {403, "denied"},
      {404, "not_found"},   {410, "not_found"},   {418, "invalid"},
      {429, "unavailable"}, {500, "unavailable"}, {503, "unavailable"}};
  for (const auto& [code, kind] : kinds) {
    status = code;
    const std::string told = documents.Fetch(documents.Url());
    EXPECT_EQ(told.substr(0, told.find(':')), kind) << code;
    EXPECT_THAT(told, Not(HasSubstr("html")));
  }
}

TEST(Documents, ALongOneIsCutOffWhetherItsLengthIsToldOrNot) {
  const auto head = std::string("HTTP/1.1 200 OK\r\n");
  for (const std::string& answer :
       {Response(200, std::string(kMaxBytes + 1, 'x')),
        head + "Content-Length: 1000000000000\r\n\r\nx",
        head + "\r\n" + std::string(kMaxBytes + 1, 'x'),
        head + "Transfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(255, 'x')}) {
    Documents documents([&answer](Connection& connection) {
      connection.ReadRequest();
      connection.Send(answer);
      connection.WaitForPeer();
    });
    EXPECT_EQ(documents.Fetch(documents.Url()), "too_large: has more than 100 bytes");
  }
  Documents documents(AlwaysAnswer(std::string(kMaxBytes, 'x')));
  EXPECT_EQ(documents.Fetch(documents.Url()), std::string(kMaxBytes, 'x'));
}

TEST(Documents, HeadersWithoutEndAreCutOff) {
  Documents documents([](Connection& connection) {
    connection.ReadRequest();
    if (!connection.Send("HTTP/1.1 200 OK\r\n")) return;
    while (connection.Send("X-More: " + std::string(1'000, 'x') + "\r\n")) {
    }
  });
  EXPECT_THAT(documents.Fetch(documents.Url()), HasSubstr("unavailable: can't be fetched"));
}

TEST(Documents, NothingIsUnpacked) {
  Documents documents([](Connection& connection) {
    connection.ReadRequest();
    EXPECT_THAT(connection.request(), Not(HasSubstr("ccept-Encoding")));
    connection.Send(Response(200, "packed", "Content-Encoding: gzip\r\n"));
  });
  EXPECT_EQ(documents.Fetch(documents.Url()), "packed");
}

TEST(Documents, ABrokenAnswerIsNone) {
  Documents documents([](Connection& connection) {
    connection.ReadRequest();
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nThe rent");
  });
  EXPECT_THAT(documents.Fetch(documents.Url()), HasSubstr("unavailable: can't be fetched"));
}

TEST(Documents, ASlowHostHasItsTime) {
  Documents documents(
      [](Connection& connection) {
        connection.ReadRequest();
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nThe rent");
        connection.WaitForPeer();
      },
      [](DocumentOptions& options) { options.download.timeout = std::chrono::milliseconds(300); });
  EXPECT_THAT(documents.Fetch(documents.Url()), HasSubstr("timeout: can't be fetched"));
}

TEST(Documents, ACertificateOfAnotherAuthorityIsRefused) {
  const Authorities other(MakeCertificate({}).certificate_pem);
  Documents documents(AlwaysAnswer("text"), [&other](DocumentOptions& options) {
    options.download.ca_file = other.path();
  });
  EXPECT_THAT(documents.Fetch(documents.Url()), HasSubstr("invalid: can't be fetched"));
}

TEST(Documents, OneThatHangsHoldsNoOtherUp) {
  Documents documents([](Connection& connection) {
    if (!connection.ReadRequest()) return;
    if (connection.request().find("/slow") != std::string::npos) return connection.WaitForPeer();
    connection.Send(Response(200, "quick"));
  });
  for (std::uint64_t id = 1; id <= 3; ++id) documents.Begin(id, documents.Url("/slow"));
  documents.Begin(4, documents.Url("/quick"));
  EXPECT_EQ(documents.Wait(1)[4], "quick");
  documents.client().Stop();
  EXPECT_EQ(documents.Wait(4)[2], "aborted: given up");
  documents.Begin(5, documents.Url("/quick"));
  EXPECT_EQ(documents.Wait(5)[5], "aborted: given up");
}

TEST(Documents, AWrongListIsToldAtTheStart) {
  runtime::Inbox inbox;
  for (const char* host : {"", "a b", "https://a", "a/b", "user@a", "a:b", "a:99999", "a?b"}) {
    const auto client = DocumentClient::Start({.hosts = {host}, .download = {}}, inbox);
    ASSERT_FALSE(client.ok()) << host;
    EXPECT_THAT(client.error().message, HasSubstr("documents.hosts: \"")) << host;
  }
}

}  // namespace
}  // namespace llmbatch::http
