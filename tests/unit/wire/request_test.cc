#include "wire/request.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace llmbatch::wire {
namespace {

constexpr std::size_t kMaxBytes = 8U << 20;

ports::Record RecordOf(std::optional<std::string> value, std::optional<std::string> key = {}) {
  return {.partition = {.topic = "topic", .partition = 3},
          .offset = 1042,
          .key = std::move(key),
          .value = std::move(value),
          .headers = {}};
}

model::Item ItemOf(const Decoded& decoded) { return std::get<model::Item>(decoded); }

TEST(DecodeRequest, ReadsEveryFieldOfAnItem) {
  const auto item = ItemOf(DecodeRequest(
      RecordOf(R"({"kind":"item","id":"i-1","task":"analyze","input":{ "a": [1.50, "x"] },
                   "user_id":"u","job_id":"j","priority":9,"deadline":"2026-11-21T08:00:00+01:00",
                   "real_time":true,"max_cost_usd":"0.25","metadata":{ "trace": "t" }})"),
      kMaxBytes));
  EXPECT_EQ(item.id, "i-1");
  EXPECT_EQ(item.task, "analyze");
  EXPECT_EQ(item.input.kind, model::ItemInput::Kind::kJson);
  EXPECT_EQ(item.input.value, R"({"a":[1.50,"x"]})");
  EXPECT_EQ(item.user_id, "u");
  EXPECT_EQ(item.job_id, "j");
  EXPECT_EQ(item.priority, 9);
  EXPECT_EQ(item.deadline, base::ParseRfc3339("2026-11-21T07:00:00Z"));
  EXPECT_TRUE(item.real_time);
  EXPECT_EQ(item.max_cost, model::NanoUsd{250'000'000});
  EXPECT_EQ(item.metadata_json, R"({"trace":"t"})");
}

TEST(DecodeRequest, GivesDefaultsToWhatIsLeftOut) {
  const auto item = ItemOf(
      DecodeRequest(RecordOf(R"({"kind":"item","id":"i","task":"t","text":"a\nb"})"), kMaxBytes));
  model::Item expected;
  expected.id = "i";
  expected.task = "t";
  expected.input = {.kind = model::ItemInput::Kind::kText, .value = "a\nb"};
  EXPECT_EQ(item, expected);
}

TEST(DecodeRequest, ReadsAJobAndFillsInItsItems) {
  const auto decoded = DecodeRequest(
      RecordOf(R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u","priority":1,
                   "deadline":"2026-11-21T07:00:00Z","max_cost_usd":"2",
                   "items":[{"id":"a","text":"x"},{"id":"b","input":{},"metadata":{"m":1}}]})"),
      kMaxBytes);
  const auto* job = std::get_if<model::Job>(&decoded);
  ASSERT_NE(job, nullptr);
  EXPECT_EQ(job->job_id, "j");
  EXPECT_EQ(job->workflow, "map");
  EXPECT_EQ(job->task, "t");
  EXPECT_EQ(job->user_id, "u");
  EXPECT_EQ(job->priority, 1);
  EXPECT_EQ(job->max_cost, model::NanoUsd{2'000'000'000});
  ASSERT_EQ(job->items.size(), 2U);
  model::Item second;
  second.id = "b";
  second.task = "t";
  second.input = {.kind = model::ItemInput::Kind::kJson, .value = "{}"};
  second.user_id = "u";
  second.job_id = "j";
  second.priority = 1;
  second.deadline = base::ParseRfc3339("2026-11-21T07:00:00Z");
  second.metadata_json = R"({"m":1})";
  EXPECT_EQ(job->items[1], second);
}

TEST(DecodeRequest, ReadsAJobWhoseItemsFollow) {
  const auto job_of = [](std::string_view count) {
    return DecodeRequest(
        RecordOf(R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u",)"
                 R"("item_count":)" +
                 std::string(count) + "}"),
        kMaxBytes);
  };
  const auto decoded = job_of("10000");
  const auto* job = std::get_if<model::Job>(&decoded);
  ASSERT_NE(job, nullptr);
  EXPECT_EQ(job->item_count, 10'000);
  EXPECT_TRUE(job->items.empty());
  for (const char* count : {"0", "10001", "-1"}) {
    const auto refused = job_of(count);
    const auto* malformed = std::get_if<Malformed>(&refused);
    ASSERT_NE(malformed, nullptr) << count;
    EXPECT_EQ(malformed->reason, MalformedReason::kInvalidValue);
    EXPECT_TRUE(malformed->detail.starts_with("item_count")) << malformed->detail;
  }
}

TEST(DecodeRequest, AJobMayNameThePlaceOfItsItems) {
  const auto decode = [](const std::string& members) {
    return DecodeRequest(
        RecordOf(R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u",)" +
                 members + "}"),
        kMaxBytes);
  };
  const auto decoded = decode(R"("items_ref":"https://files.example.com/items")");
  const auto* job = std::get_if<model::Job>(&decoded);
  ASSERT_NE(job, nullptr);
  EXPECT_EQ(job->items_place, (model::DocumentPlace{.store = model::DocumentPlace::Store::kHttps,
                                                    .name = "https://files.example.com/items"}));
  const std::pair<const char*, const char*> wrong[] = {
      {R"("items_ref":"items")", "items_ref: must be redis: and a name, or begin with https://"},
      {R"("items_ref":"http://h/items")",
       "items_ref: must be redis: and a name, or begin with https://"},
      {R"("items_ref":"redis:x","items":[])", "items_ref: given besides items"},
      {R"("items_ref":"redis:x","item_count":3)", "items_ref: given besides item_count"},
  };
  for (const auto& [members, detail] : wrong) {
    const auto refused = decode(members);
    const auto* malformed = std::get_if<Malformed>(&refused);
    ASSERT_NE(malformed, nullptr) << members;
    EXPECT_EQ(malformed->detail, detail);
  }
}

TEST(DecodeRequest, LeavesTheMembersOfOtherWorkflowsToThem) {
  const auto decoded = DecodeRequest(
      RecordOf(R"({"kind":"job","job_id":"j","workflow":"w","task":"t","user_id":"u","priority":7,
                   "deadline":"2026-11-21T08:00:00Z","max_cost_usd":"1","x":[1.50],"items":"y","model_selection":"fast"})"),
      kMaxBytes);
  const auto* job = std::get_if<model::Job>(&decoded);
  ASSERT_NE(job, nullptr);
  EXPECT_EQ(job->workflow, "w");
  EXPECT_EQ(job->priority, 7);
  EXPECT_TRUE(job->items.empty());
  EXPECT_EQ(job->model_selection, "fast");
  // With the choice of models: what they answer is kept under what they were told.
  EXPECT_EQ(job->input_json, R"({"x":[1.50],"items":"y","model_selection":"fast"})");
}

TEST(DecodeRequest, ATenThousandItemJobIsRead) {
  std::string items;
  for (std::size_t i = 0; i < kMaxJobItems; ++i) {
    items += (i ? "," : "") + std::string(R"({"id":"i)") + std::to_string(i) + R"(","text":"x"})";
  }
  const auto decoded = DecodeRequest(
      RecordOf(R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u","items":[)" +
               items + "]}"),
      kMaxBytes);
  ASSERT_TRUE(std::holds_alternative<model::Job>(decoded));
  EXPECT_EQ(std::get<model::Job>(decoded).items.back().id, "i9999");
}

TEST(DecodeBound, TakesJsonAsJsonAndEverythingElseAsText) {
  struct Case {
    std::string value;
    model::ItemInput::Kind kind;
    std::string input;
  };
  using enum model::ItemInput::Kind;
  for (const Case& c :
       std::initializer_list<Case>{{R"({ "a" : 1 })", kJson, R"({"a":1})"},
                                   {"42", kJson, "42"},
                                   {R"("text")", kJson, R"("text")"},
                                   {"null", kJson, "null"},
                                   {"Where is my parcel?", kText, "Where is my parcel?"},
                                   {"", kText, ""},
                                   {R"({"a":1)", kText, R"({"a":1)"},
                                   {R"({"a":1,"a":2})", kText, R"({"a":1,"a":2})"},
                                   {R"("\ud800")", kText, R"("\ud800")"},
                                   {std::string("a\0b", 3), kText, std::string("a\0b", 3)},
                                   {std::string(65, '['), kText, std::string(65, '[')}}) {
    const auto item = ItemOf(DecodeBound(RecordOf(c.value, "k"), "triage", kMaxBytes));
    EXPECT_EQ(item.task, "triage");
    EXPECT_EQ(item.id, "k");
    EXPECT_EQ(item.input.kind, c.kind) << c.value;
    EXPECT_EQ(item.input.value, c.input);
  }
}

TEST(DecodeBound, TheIdIsTheKeyIfThatCanBeAnId) {
  const std::string longest(200, 'k');
  for (const std::string& key :
       {std::string("k"), std::string("\xC3\xA9"), longest, std::string("a b/#")}) {
    EXPECT_EQ(ItemOf(DecodeBound(RecordOf("x", key), "t", kMaxBytes)).id, key);
  }
  for (const std::optional<std::string>& key :
       {std::optional<std::string>(), std::optional<std::string>(""), std::optional(longest + "k"),
        std::optional<std::string>("a\nb"), std::optional<std::string>("\x7F"),
        std::optional<std::string>("\xFF"), std::optional(std::string("a\0b", 3))}) {
    EXPECT_EQ(ItemOf(DecodeBound(RecordOf("x", key), "t", kMaxBytes)).id, "topic/3/1042");
  }
}

TEST(DecodeBound, RefusesWhatCanBeNoInput) {
  const auto reason = [](std::optional<std::string> value, std::size_t max_bytes) {
    const auto decoded = DecodeBound(RecordOf(std::move(value)), "t", max_bytes);
    const auto* malformed = std::get_if<Malformed>(&decoded);
    return malformed ? ToString(malformed->reason) : "accepted";
  };
  EXPECT_EQ(reason(std::nullopt, 10), "tombstone");
  EXPECT_EQ(reason("\xFF", 10), "not_utf8");
  EXPECT_EQ(reason("0123456789", 10), "accepted");
  EXPECT_EQ(reason("0123456789x", 10), "too_large");
}

}  // namespace
}  // namespace llmbatch::wire
