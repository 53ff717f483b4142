#include "twin/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

using ::testing::HasSubstr;

TEST(ParseOptions, ReadsFlagsAndSettings) {
  const auto options = ParseOptions({"--port", "8080", "--listen=::1", "--journal-max-requests=5",
                                     "--latency-ms=20", "--error-rate", "429=0.1,500=0.05"});
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->port, 8080);
  EXPECT_EQ(options->listen, "::1");
  EXPECT_EQ(options->journal_max_requests, 5U);
  base::Rng rng(1);
  EXPECT_EQ(options->behaviour.latency.Draw(rng), std::chrono::milliseconds(20));
}

TEST(ParseOptions, NamesTheFlagThatIsWrong) {
  const std::pair<std::vector<std::string_view>, const char*> cases[] = {
      {{"port"}, "port: not a flag"},        {{"--port"}, "--port: needs a value"},
      {{"--port=65536"}, "--port: must be"}, {{"--port=x"}, "--port: must be"},
      {{"--nonsense=1"}, "--nonsense: "},    {{"--concurrency=many"}, "--concurrency: "},
      {{"--latency=x"}, "--latency: "}};
  for (const auto& [arguments, part] : cases) {
    const auto options = ParseOptions(arguments);
    ASSERT_FALSE(options.ok()) << part;
    EXPECT_THAT(options.error().message, HasSubstr(part));
  }
}

TEST(HelpText, NamesEverySetting) {
  for (const char* flag : {"--port ", "--latency-ms ", "--error-rate ", "--limit-burst-seconds "}) {
    EXPECT_THAT(HelpText(), HasSubstr(flag));
  }
}

}  // namespace
}  // namespace llmbatch::twin
