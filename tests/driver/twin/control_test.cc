#include "twin/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

using ::testing::HasSubstr;

constexpr base::Now kNow{};

class ControlTest : public ::testing::Test {
 protected:
  ControlReply Get(std::string_view path, std::string_view query = "") {
    return HandleControl(twin_, Method::kGet, path, query, "", kNow.steady);
  }
  ControlReply Post(std::string_view path, std::string_view body = "") {
    return HandleControl(twin_, Method::kPost, path, "", body, kNow.steady);
  }
  void Ask() {
    twin_.Receive("/chat/completions", {},
                  R"({"model":"m","messages":[{"role":"user","content":"x"}]})", kNow);
  }

  Twin twin_{Behaviour{}, 100, kNow.steady};
};

TEST_F(ControlTest, TellsTheJournalInParts) {
  for (int i = 0; i < 3; ++i) Ask();
  EXPECT_EQ(Get("/_twin/journal").content_type, "application/x-ndjson");
  EXPECT_THAT(Get("/_twin/journal").body, HasSubstr("\"sequence\":3"));
  const std::string part = Get("/_twin/journal", "limit=1&from=2").body;
  EXPECT_THAT(part, ::testing::StartsWith(R"({"sequence":2,)"));
  EXPECT_EQ(std::count(part.begin(), part.end(), '\n'), 1);
}

TEST_F(ControlTest, IgnoresAQueryThatItCannotRead) {
  Ask();
  for (const char* query : {"from", "from=", "from=x", "&&", "=", "limit=-1", "fromage=7"}) {
    EXPECT_THAT(Get("/_twin/journal", query).body, HasSubstr("\"sequence\":1")) << query;
  }
}

TEST_F(ControlTest, TellsWhatIsWrongWithAScript) {
  EXPECT_EQ(Post("/_twin/script", R"({"latency_ms":1})").status, 200);
  const ControlReply refused = Post("/_twin/script", R"({"latensy_ms":1})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("latensy_ms"));
}

TEST_F(ControlTest, Resets) {
  Ask();
  EXPECT_EQ(Post("/_twin/reset").status, 200);
  EXPECT_EQ(Get("/_twin/journal").body, "");
}

TEST_F(ControlTest, KnowsNoOtherPage) {
  EXPECT_EQ(Get("/_twin/").status, 404);
  EXPECT_EQ(Get("/_twin/script").status, 404);
  EXPECT_EQ(Post("/_twin/journal").status, 404);
}

}  // namespace
}  // namespace llmbatch::twin
