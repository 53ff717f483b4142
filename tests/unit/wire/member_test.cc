#include "wire/member.h"

#include <gtest/gtest.h>

namespace llmbatch::wire {
namespace {

Member Sample() {
  Member member{.identity = "llm.requests/2/41", .result = {}};
  model::ItemResult& result = member.result;
  result.id = "a";
  result.origin = {
      .partition = {.topic = "llm.requests", .partition = 2}, .offset = 41, .index = {}};
  result.queued = std::chrono::milliseconds(7);
  result.metadata_json = R"({"m":1})";
  result.outcome.status = model::ResultStatus::kOk;
  result.outcome.output_json = R"({"label":"x"})";
  result.outcome.batch_id = "r1-3";
  result.outcome.usage.input_tokens = 12;
  result.outcome.cost = model::NanoUsd{5};
  return member;
}

TEST(Member, IsReadAsItWasWritten) {
  const auto read = DecodeMember(EncodeMember(Sample()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->identity, "llm.requests/2/41");
  EXPECT_EQ(read->result, Sample().result);
}

TEST(Member, OfAnErrorNeedsNoMetadata) {
  Member member = Sample();
  member.result.metadata_json.clear();
  member.result.outcome.status = model::ResultStatus::kError;
  member.result.outcome.output_json.clear();
  member.result.outcome.error = model::ItemError{.code = model::ErrorCode::kItemTooLarge};
  const auto read = DecodeMember(EncodeMember(member));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->result, member.result);
}

TEST(Member, WhateverElseThereIsIsAnError) {
  const std::string sound = EncodeMember(Sample());
  for (const std::string_view name :
       {"v", "identity", "id", "topic", "partition", "offset", "queued_ns", "outcome"}) {
    std::string other = sound;
    other.replace(other.find("\"" + std::string(name) + "\":"), 2, "\"_");
    EXPECT_FALSE(DecodeMember(other).ok()) << name;
  }
  for (const std::string_view text : {"", "{", "[]", "null", R"({"v":2})"})
    EXPECT_FALSE(DecodeMember(text).ok()) << text;
}

}  // namespace
}  // namespace llmbatch::wire
