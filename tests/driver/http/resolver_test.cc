// Name look-ups that hang. The test brings its own getaddrinfo, which libcurl finds before the
// system's.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>

#include "driver/http/driver.h"
#include "driver/http/faulty_server.h"
#include "runtime/clock.h"

namespace {

constexpr const char* kHangingName = "hangs.test";
constexpr const char* kUnknownName = "unknown.test";

// Holds look-ups of that one name until it is opened.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
    changed_.notify_all();
  }
  bool WaitUntilOneWaits() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return waiting_ > 0; });
  }
  void LetAllPass() {
    std::unique_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return waiting_ == 0; });
    open_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

Gate& TheGate() {
  static Gate gate;
  return gate;
}

}  // namespace

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto system = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (name != nullptr && std::strcmp(name, kHangingName) == 0) {
    TheGate().Pass();
    return EAI_NONAME;
  }
  if (name != nullptr && std::strcmp(name, kUnknownName) == 0) return EAI_NONAME;
  return system(name, service, hints, result);
}

namespace llmbatch::http {
namespace {

// Lets all look-ups go at the end of a test, before its driver ends.
struct OpensGate {
  ~OpensGate() { TheGate().LetAllPass(); }
};

Endpoint HangingEndpoint() { return LocalEndpoint("http://" + std::string(kHangingName)); }

TEST(NameLookUp, ThatHangsDelaysNoAbort) {
  Driver driver(HangingEndpoint());
  const OpensGate opens_gate;
  driver.Execute({Post(1)});
  ASSERT_TRUE(TheGate().WaitUntilOneWaits());
  const auto begin = runtime::ReadClock().steady;
  driver.Execute({ports::AbortCall{model::CallId{1}}});
  const auto completed = driver.Wait(1);
  EXPECT_LT(runtime::ReadClock().steady - begin, std::chrono::milliseconds(100));
  ASSERT_EQ(completed.size(), 1u);
  EXPECT_EQ(Summary(completed[0].outcome), "aborted, not processed");
}

TEST(NameLookUp, ThatHangsEndsWithTheTimeOfTheRequest) {
  Driver driver(HangingEndpoint());
  const OpensGate opens_gate;
  ports::StartCall start = Post(1);
  start.request.timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(Summary(driver.Run(std::move(start))), "timeout, not processed");
}

TEST(NameLookUp, ThatHangsDelaysNoEnd) {
  Driver driver(HangingEndpoint());
  const OpensGate opens_gate;
  driver.Execute({Post(1)});
  ASSERT_TRUE(TheGate().WaitUntilOneWaits());
  driver.Destroy();
  EXPECT_EQ(driver.TakeAll().size(), 1u);
}

TEST(NameLookUp, ThatFailsIsAFailureToConnect) {
  Driver driver(LocalEndpoint("http://" + std::string(kUnknownName)));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "connect, not processed");
}

}  // namespace
}  // namespace llmbatch::http
