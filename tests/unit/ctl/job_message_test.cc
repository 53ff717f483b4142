// Messages made from flags, and the check before they are sent.
#include "ctl/job_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace llmbatch::ctl {
namespace {

using testing::HasSubstr;

config::Config Config() {
  config::Config config;
  auto catalog = std::make_shared<model::Catalog>();
  catalog->tasks["analyze"] = std::make_shared<model::Task>();
  config.catalog = catalog;
  return config;
}

std::string ErrorOf(const std::string& message) {
  const auto checked = CheckMessage(message, Config());
  return checked.ok() ? "" : checked.error().message;
}

base::Result<std::string> MapMessageOf(const WorkFlags& flags) {
  return MessageOf(flags, "map", {});
}

TEST(MessageOf, AJobHasItsInputsInTheOrderOfTheFlags) {
  const auto message = MapMessageOf({.task = "analyze",
                                     .user_id = "u",
                                     .job_id = "j",
                                     .texts = {"a \"text\"", "b"},
                                     .inputs = {R"({"x": 1})"},
                                     .priority = 7,
                                     .deadline = "2026-11-21T12:00:00Z",
                                     .max_cost_usd = "0.5"});
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(*message,
            R"({"kind":"job","job_id":"j","workflow":"map","task":"analyze","user_id":"u",)"
            R"("priority":7,"deadline":"2026-11-21T12:00:00Z","max_cost_usd":"0.5",)"
            R"("items":[{"id":"1","text":"a \"text\""},{"id":"2","text":"b"},)"
            R"({"id":"3","input":{"x":1}}]})");
  EXPECT_EQ(ErrorOf(*message), "");
}

TEST(MessageOf, AJobMayChooseARoute) {
  const auto message = MapMessageOf(
      {.task = "t", .user_id = "u", .job_id = "j", .texts = {"a"}, .model_selection = "fast"});
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(*message, R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u",)"
                      R"("model_selection":"fast","items":[{"id":"1","text":"a"}]})");
  EXPECT_FALSE(
      MapMessageOf({.task = "t", .item_id = "i", .texts = {"a"}, .model_selection = "fast"}).ok());
}

TEST(MessageOf, AJobMayNameThePlaceOfItsInputs) {
  const auto message =
      MapMessageOf({.task = "t", .user_id = "u", .job_id = "j", .items_ref = "redis:today"});
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(*message, R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u",)"
                      R"("items_ref":"redis:today"})");
  EXPECT_FALSE(MapMessageOf({.task = "t", .texts = {"a"}, .items_ref = "redis:today"}).ok());
  EXPECT_FALSE(MessageOf({.task = "t", .items_ref = "redis:today"}, "query", {}).ok());
}

TEST(MessageOf, AnItemHasOneInput) {
  WorkFlags flags{.task = "analyze", .item_id = "i", .texts = {"t"}};
  const auto text = MapMessageOf(flags);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, R"({"kind":"item","id":"i","task":"analyze","text":"t"})");
  flags.job_id = "j";
  EXPECT_EQ(*MapMessageOf(flags),
            R"({"kind":"item","id":"i","job_id":"j","task":"analyze","text":"t"})");
  flags.job_id.clear();
  flags.texts = {};
  flags.inputs = {R"({"a":[1]})"};
  EXPECT_EQ(*MapMessageOf(flags), R"({"kind":"item","id":"i","task":"analyze","input":{"a":[1]}})");
  flags.texts = {"two"};
  EXPECT_FALSE(MapMessageOf(flags).ok());
  flags = {.task = "analyze", .item_id = "i"};
  EXPECT_FALSE(MapMessageOf(flags).ok());
}

TEST(MessageOf, LinesMayBeItemsInputsOrTexts) {
  struct Row {
    const char* lines;
    const char* items;
  };
  for (const Row& row : {
           Row{"{\"id\":\"a\",\"text\":\"t\"}\n", R"([{"id":"a","text":"t"}])"},
           Row{"{\"text\":\"t\"}", R"([{"id":"1","text":"t"}])"},
           Row{"{\"input\":{\"id\":9},\"metadata\":{\"m\":1}}",
               R"([{"id":"1","input":{"id":9},"metadata":{"m":1}}])"},
           Row{"{\"id\":\"a\",\"x\":1}\r\n\n  \n{\"x\":2}",
               R"([{"id":"a","input":{"id":"a","x":1}},{"id":"4","input":{"x":2}}])"},
           Row{"{\"id\":7,\"x\":1}", R"([{"id":"1","input":{"id":7,"x":1}}])"},
           Row{"\"one\"\n\"two\"", R"([{"id":"1","text":"one"},{"id":"2","text":"two"}])"},
           Row{"", "[]"},
       }) {
    const auto message = MapMessageOf({.task = "t", .job_id = "j", .lines = row.lines});
    ASSERT_TRUE(message.ok()) << message.error().message;
    EXPECT_THAT(*message, HasSubstr(std::string("\"items\":") + row.items)) << row.lines;
  }
}

TEST(MessageOf, NamesTheLineThatIsWrong) {
  for (const char* lines : {"{\"x\":1}\nnot json", "\n[1]", "{}\n17"}) {
    const auto message = MapMessageOf({.task = "t", .job_id = "j", .lines = lines});
    ASSERT_FALSE(message.ok()) << lines;
    EXPECT_THAT(message.error().message, HasSubstr("line 2: "));
  }
  EXPECT_FALSE(MapMessageOf({.task = "t", .job_id = "j", .inputs = {"[1]"}}).ok());
}

TEST(CheckMessage, TellsKindIdAndKey) {
  const auto job =
      CheckMessage(R"({"kind":"job","job_id":"j","workflow":"map","task":"analyze","user_id":"u",)"
                   R"("items":[{"id":"1","text":"a"},{"id":"2","text":"b"}]})",
                   Config());
  ASSERT_TRUE(job.ok()) << job.error().message;
  EXPECT_TRUE(job->is_job);
  EXPECT_EQ(job->id, "j");
  EXPECT_EQ(job->key, "j");
  EXPECT_EQ(job->items, 2U);

  const std::string value = R"({ "kind":"item", "id":"i", "task":"analyze", "text":"a" })";
  const auto item = CheckMessage(value, Config());
  ASSERT_TRUE(item.ok()) << item.error().message;
  EXPECT_FALSE(item->is_job);
  EXPECT_EQ(item->key, "i");
  EXPECT_EQ(item->value, value);

  const auto of_job = CheckMessage(
      R"({"kind":"item","id":"i","job_id":"j","task":"analyze","text":"a"})", Config());
  ASSERT_TRUE(of_job.ok());
  EXPECT_EQ(of_job->key, "j");
}

TEST(CheckMessage, RefusesWhatWouldBecomeADeadLetterOrAnError) {
  EXPECT_THAT(ErrorOf("no json"), HasSubstr("not_json: "));
  EXPECT_THAT(ErrorOf(R"({"kind":"item","id":7,"task":"analyze","text":"a"})"),
              HasSubstr("wrong_type: id: "));
  EXPECT_THAT(ErrorOf(R"({"kind":"job","job_id":"j","workflow":"map","task":"analyze",)"
                      R"("user_id":"u","items":[]})"),
              HasSubstr("items: must have from 1"));
  EXPECT_EQ(ErrorOf(R"({"kind":"item","id":"i","task":"analyse","text":"a"})"),
            "task: the configuration has no task 'analyse'; did you mean 'analyze'?");
}

TEST(TopicOf, IsOneThatTheConfigurationReads) {
  config::Kafka kafka;
  EXPECT_EQ(*TopicOf("", kafka), "llm.requests");
  EXPECT_EQ(*TopicOf("llm.requests", kafka), "llm.requests");
  EXPECT_FALSE(TopicOf("other", kafka).ok());
  kafka.requests = {"^llm\\.r.*"};
  EXPECT_FALSE(TopicOf("", kafka).ok());
  EXPECT_EQ(*TopicOf("llm.r2", kafka), "llm.r2");
}

}  // namespace
}  // namespace llmbatch::ctl
