#include "wire/result_parts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "json/value.h"

namespace llmbatch::wire {
namespace {

// Mostly what is escaped, and characters of several bytes.
std::string Result(std::size_t values) {
  std::string json = "[";
  for (std::size_t i = 0; i < values; ++i) {
    json += (i == 0 ? "\"" : ",\"") + std::string(i % 5, 'a') + R"(\"\\)" +
            "\xc3\xa4\xf0\x9f\x98\x80\"";
  }
  return json + "]";
}

TEST(EncodeResultParts, AreTheResultOneAfterTheOther) {
  for (const std::size_t values : {0U, 1U, 50U, 1'000U}) {
    for (const std::size_t max_bytes : {1'024U, 1'025U, 1'026U, 1'027U, 4'096U}) {
      const std::string result = Result(values);
      const std::vector<std::string> parts = EncodeResultParts("j-\"1\"", result, max_bytes);
      std::string joined;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        EXPECT_LE(parts[i].size(), max_bytes);
        const auto document = json::Document::Parse(parts[i]);
        ASSERT_TRUE(document.ok()) << document.error().message;
        const json::Value part = document->root();
        EXPECT_EQ(part.Find("kind")->AsString(), "job_result_part");
        EXPECT_EQ(part.Find("job_id")->AsString(), "j-\"1\"");
        EXPECT_EQ(part.Find("part")->AsInt64(), static_cast<std::int64_t>(i) + 1);
        EXPECT_EQ(part.Find("parts")->AsInt64(), static_cast<std::int64_t>(parts.size()));
        joined += part.Find("json")->AsString();
      }
      EXPECT_EQ(joined, result);
      EXPECT_LE(parts.size(), 1 + 3 * result.size() / max_bytes) << "no part is wasted";
    }
  }
}

}  // namespace
}  // namespace llmbatch::wire
