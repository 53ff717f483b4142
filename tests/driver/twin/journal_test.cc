#include "twin/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr base::Timestamp kStart{1h};

std::vector<Item> Items(const std::vector<std::string>& keys) {
  std::vector<Item> items;
  for (const auto& key : keys) items.push_back({.id = "n-" + key, .key = key, .text = key});
  return items;
}

std::uint64_t Open(Journal& journal, const std::vector<std::string>& keys,
                   base::Duration at = 0ms) {
  const auto items = Items(keys);
  const std::vector<bool> answered(items.size(), true);
  return journal.Open(Arrival{.model = "m",
                              .items = &items,
                              .answered = &answered,
                              .status = 200,
                              .fault = {},
                              .usage = {.prompt_tokens = 10, .completion_tokens = 5}},
                      kStart + at);
}

std::uint64_t Figure(const Journal& journal, const char* name) {
  const auto summary = ParseJson(journal.Summary(kStart + 1s));
  const JsonValue* value = summary ? Find(*summary, name) : nullptr;
  return value == nullptr ? UINT64_MAX : value->GetUint64();
}

TEST(Journal, TellsItsOwnTime) { EXPECT_EQ(Figure(Journal(10, kStart), "now_ms"), 1'000U); }

TEST(Journal, TellsOneLineForARequest) {
  Journal journal(10, kStart);
  const auto sequence = Open(journal, {"c-1", "c-2"}, 100ms);
  journal.Close(sequence, Delivery::kDone, kStart + 350ms);
  EXPECT_EQ(journal.Lines(1, 10),
            R"({"sequence":1,"received_ms":100,"completed_ms":350,"status":200,"fault":"none",)"
            R"("model":"m","items":["c-1","c-2"],"prompt_tokens":10,"completion_tokens":5,)"
            R"("concurrency":1,"client_closed":false})"
            "\n");
}

TEST(Journal, ListsRequestsThatAreStillOpen) {
  Journal journal(10, kStart);
  Open(journal, {"c-1"});
  EXPECT_THAT(journal.Lines(1, 10), HasSubstr(R"("completed_ms":null)"));
  EXPECT_EQ(journal.open_requests(), 1U);
}

TEST(Journal, GivesThePartThatWasAskedFor) {
  Journal journal(10, kStart);
  for (int i = 0; i < 5; ++i) Open(journal, {});
  const std::string lines = journal.Lines(4, 1);
  EXPECT_THAT(lines, HasSubstr(R"({"sequence":4,)"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1);
  EXPECT_EQ(journal.Lines(6, 10), "");
  EXPECT_EQ(journal.Lines(UINT64_MAX, UINT64_MAX), "");
}

TEST(Journal, CountsRequestsAtATime) {
  Journal journal(10, kStart);
  const auto first = Open(journal, {});
  Open(journal, {});
  journal.Close(first, Delivery::kDone, kStart);
  Open(journal, {});
  EXPECT_EQ(Figure(journal, "highest_concurrency"), 2U);
}

TEST(Journal, CountsAnAnswerOnlyWhenItWasSent) {
  Journal journal(10, kStart);
  const auto sent = Open(journal, {"c-1"});
  const auto closed = Open(journal, {"c-1"});
  Open(journal, {"c-1", "c-2"});
  journal.Close(sent, Delivery::kDone, kStart);
  journal.Close(closed, Delivery::kClientClosed, kStart);
  EXPECT_EQ(journal.ItemsAsJson(),
            R"({"c-1":{"asked":3,"answered":1},"c-2":{"asked":1,"answered":0}})");
  EXPECT_EQ(Figure(journal, "items_asked"), 4U);
  EXPECT_EQ(Figure(journal, "items_distinct"), 2U);
  EXPECT_EQ(Figure(journal, "max_items_per_request"), 2U);
  EXPECT_EQ(Figure(journal, "client_closed"), 1U);
}

TEST(Journal, OnlyCountsWhatIsAboveItsSize) {
  Journal journal(2, kStart);
  for (int i = 0; i < 5; ++i) journal.Close(Open(journal, {"c"}), Delivery::kDone, kStart);
  EXPECT_EQ(Figure(journal, "requests"), 5U);
  EXPECT_EQ(Figure(journal, "journal_dropped"), 3U);
  EXPECT_EQ(journal.ItemsAsJson(), R"({"c":{"asked":5,"answered":5}})");
}

TEST(Journal, ForgetsEverythingButWhatIsOpen) {
  Journal journal(10, kStart);
  const auto before = Open(journal, {"c-1"});
  journal.Reset();
  EXPECT_EQ(journal.open_requests(), 1U);
  EXPECT_EQ(Figure(journal, "requests"), 0U);
  const auto after = Open(journal, {"c-2"});
  journal.Close(before, Delivery::kDone, kStart);
  journal.Close(after, Delivery::kDone, kStart);
  EXPECT_EQ(journal.open_requests(), 0U);
  EXPECT_EQ(journal.ItemsAsJson(), R"({"c-2":{"asked":1,"answered":1}})");
}

TEST(Journal, IgnoresARequestThatIsNotOpen) {
  Journal journal(10, kStart);
  journal.Close(77, Delivery::kDone, kStart);
  EXPECT_EQ(journal.open_requests(), 0U);
}

TEST(BusiestMinute, IsTheMostWithinAnySixtySeconds) {
  BusiestMinute busiest;
  busiest.Add(0, 1, 10);
  busiest.Add(59'999, 2, 20);
  EXPECT_EQ(busiest.max_requests(), 3U);
  busiest.Add(60'000, 1, 5);  // the first is out again
  EXPECT_EQ(busiest.max_requests(), 3U);
  EXPECT_EQ(busiest.max_tokens(), 30U);
  busiest.Add(10'000'000, 3, 99);
  EXPECT_EQ(busiest.max_requests(), 3U);
  EXPECT_EQ(busiest.max_tokens(), 99U);
}

}  // namespace
}  // namespace llmbatch::twin
