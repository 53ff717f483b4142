#include <gtest/gtest.h>

#include "model/error_code.h"
#include "model/origin.h"
#include "model/result.h"

namespace llmbatch::model {
namespace {

TEST(ErrorCode, ReadsWhatItWrites) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_EQ(ParseErrorCode(ToString(code)), code);
  }
  EXPECT_EQ(ParseErrorCode("nonsense"), std::nullopt);
}

TEST(ResultStatus, ReadsWhatItWrites) {
  for (const auto status : {ResultStatus::kOk, ResultStatus::kFallback, ResultStatus::kError}) {
    EXPECT_EQ(ParseResultStatus(ToString(status)), status);
  }
  for (const auto source : {ResultSource::kGenerated, ResultSource::kCached,
                            ResultSource::kCoalesced, ResultSource::kExtracted}) {
    EXPECT_EQ(ParseResultSource(ToString(source)), source);
  }
}

TEST(Origin, NamesTopicPartitionOffsetAndIndex) {
  EXPECT_EQ(
      ToString(Origin{.partition = {.topic = "t", .partition = 3}, .offset = 1042, .index = {}}),
      "t/3/1042");
  EXPECT_EQ(
      ToString(Origin{.partition = {.topic = "t", .partition = 3}, .offset = 1042, .index = 7}),
      "t/3/1042#7");
}

}  // namespace
}  // namespace llmbatch::model
