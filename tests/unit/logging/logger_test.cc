#include "logging/logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <thread>

#include "base/time.h"
#include "json/value.h"

namespace llmbatch::logging {
namespace {

using ports::LogLevel;
using ports::LogLine;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What a logger with these options writes to standard error.
std::string Written(LoggerOptions options, const std::function<void(Logger&)>& write) {
  testing::internal::CaptureStderr();
  {
    Logger logger(std::move(options));
    write(logger);
  }
  return testing::internal::GetCapturedStderr();
}

std::string Member(const std::string& line, std::string_view name) {
  const auto document = json::Document::Parse(std::string_view(line).substr(0, line.find('\n')));
  if (!document) return "(no JSON)";
  const auto member = document->root().Find(name);
  return member && member->is(json::Kind::kString) ? std::string(member->AsString()) : "(missing)";
}

TEST(Logger, WritesAJsonObjectALine) {
  const std::string text = Written({}, [](Logger& logger) {
    logger.Write({.level = LogLevel::kWarning,
                  .message = "Redis is away",
                  .fields = {{.name = "server", .value = "redis:6379"}}});
  });
  EXPECT_TRUE(base::ParseRfc3339(Member(text, "ts")).has_value()) << text;
  EXPECT_EQ(Member(text, "level"), "warning");
  EXPECT_EQ(Member(text, "msg"), "Redis is away");
  EXPECT_EQ(Member(text, "server"), "redis:6379");
  EXPECT_TRUE(text.ends_with("}\n"));
}

TEST(Logger, EscapesWhatWouldBreakTheLine) {
  for (const std::string& message :
       {std::string("a \"b\" \\ c"), std::string("two\nlines\r\n"), std::string("\x01\x1f\x7f"),
        std::string("ü € 𝄞"), std::string("{fmt} %v %s {}")}) {
    const std::string text =
        Written({}, [&](Logger& logger) { logger.Write({.message = message, .fields = {}}); });
    EXPECT_EQ(Member(text, "msg"), message);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  }
}

TEST(Logger, ReplacesWhatIsNotUtf8) {
  const std::string text =
      Written({}, [](Logger& logger) { logger.Write({.message = "a\xff", .fields = {}}); });
  EXPECT_THAT(Member(text, "msg"), StartsWith("a\xEF\xBF\xBD"));
}

TEST(Logger, CutsLongTextsOff) {
  const std::string text = Written({}, [](Logger& logger) {
    logger.Write({.message = std::string(100'000, 'x'), .fields = {}});
  });
  EXPECT_EQ(Member(text, "msg").size(), 4096U);
}

TEST(Logger, LeavesOutWhatIsBelowItsLevel) {
  const std::string text =
      Written({.level = LogLevel::kWarning, .secrets = {}}, [](Logger& logger) {
        for (const LogLevel level :
             {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
          logger.Write({.level = level, .message = "x", .fields = {}});
        }
      });
  EXPECT_THAT(text, Not(HasSubstr("\"info\"")));
  EXPECT_THAT(text, HasSubstr("\"warning\""));
  EXPECT_THAT(text, HasSubstr("\"error\""));
}

TEST(Logger, PutsThePriorityInFrontForTheJournal) {
  for (const auto& [level, priority] :
       {std::pair(LogLevel::kDebug, "<7>{"), std::pair(LogLevel::kInfo, "<6>{"),
        std::pair(LogLevel::kWarning, "<4>{"), std::pair(LogLevel::kError, "<3>{")}) {
    const std::string text = Written(
        {.level = LogLevel::kDebug, .journal_priorities = true, .secrets = {}},
        [&](Logger& logger) { logger.Write({.level = level, .message = "x", .fields = {}}); });
    EXPECT_THAT(text, StartsWith(priority));
  }
}

TEST(Logger, NeverTellsASecret) {
  const std::string canary = "sk-\"canary\"/7";
  const std::string text = Written({.secrets = {base::Secret(canary)}}, [&](Logger& logger) {
    logger.AddSecrets({base::Secret("another-canary")});
    logger.Write({.message = "refused: " + canary,
                  .fields = {{.name = "why", .value = "Bearer " + canary + " another-canary"}}});
  });
  EXPECT_THAT(text, Not(HasSubstr("canary")));
  EXPECT_EQ(Member(text, "msg"), "refused: [redacted]");
  EXPECT_EQ(Member(text, "why"), "Bearer [redacted] [redacted]");
}

TEST(Logger, NeverTellsThePartOfASecretBeforeTheCut) {
  const std::string canary = "sk-canary-0123456789";
  const std::string text = Written({.secrets = {base::Secret(canary)}}, [&](Logger& logger) {
    logger.Write({.message = std::string(4090, 'x') + canary, .fields = {}});
  });
  EXPECT_THAT(text, Not(HasSubstr("sk-")));
}

TEST(Logger, KeepsLinesOfSeveralThreadsApart) {
  const std::string text = Written({}, [](Logger& logger) {
    std::thread other([&] {
      for (int i = 0; i < 200; ++i) logger.Write({.message = "from the other", .fields = {}});
    });
    for (int i = 0; i < 200; ++i) logger.Write({.message = "from this one", .fields = {}});
    other.join();
  });
  std::istringstream lines(text);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_THAT(Member(line, "msg"), StartsWith("from "));
  }
  EXPECT_EQ(count, 400);
}

TEST(Journal, IsWhereStandardErrorGoesIfSystemdSaysSo) {
  struct stat status {};
  ASSERT_EQ(fstat(STDERR_FILENO, &status), 0);
  const std::string here = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  setenv("JOURNAL_STREAM", here.c_str(), 1);
  EXPECT_TRUE(WritesToJournal());
  setenv("JOURNAL_STREAM", "1:2", 1);
  EXPECT_FALSE(WritesToJournal());
  unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(WritesToJournal());
}

}  // namespace
}  // namespace llmbatch::logging
