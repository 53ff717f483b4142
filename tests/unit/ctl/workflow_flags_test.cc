// Jobs of every workflow made from flags.
#include "ctl/workflow_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "ctl/job_message.h"

namespace llmbatch::ctl {
namespace {

using testing::HasSubstr;

base::Result<std::string> ReadTestFile(const std::string& path) {
  const std::map<std::string, std::string> files{
      {"a/lease.txt", "The rent is due."},
      {"annex", "No pets."},
      {"person.json", R"({"name": "Ada"})"},
      {"list.json", "[1]"},
      {"schema.json", R"({"type": "object"})"},
      {"sessions.json", R"([{"user_id":"u"}])"},
      {"sessions.jsonl", "{\"user_id\":\"u\"}\n\n{\"user_id\":\"v\"}\r\n"},
      {"broken.jsonl", "{\"user_id\":\"u\"}\nnothing\n"}};
  const auto found = files.find(path);
  if (found == files.end()) return base::Invalid("can't read " + path);
  return found->second;
}

// The members, or the error.
std::string Written(const std::string& workflow, const WorkflowFlags& flags) {
  json::Writer writer;
  writer.BeginObject();
  const auto written = WriteWorkflow(writer, workflow, flags, ReadTestFile);
  if (!written) return written.error().message;
  writer.EndObject();
  return writer.Take();
}

TEST(WorkflowFlags, Fields) {
  EXPECT_EQ(Written("fields", {.fields = {"name=Full name", "mail=E-mail=?"},
                               .user_data = "person.json",
                               .context = "a form",
                               .max_parallel = 3}),
            R"({"fields":[{"id":"name","label":"Full name"},{"id":"mail","label":"E-mail=?"}],)"
            R"("user_data":{"name":"Ada"},"context":"a form","max_parallel":3})");
  EXPECT_EQ(Written("fields", {.context = R"({"a":1})"}), R"({"context":{"a":1}})");
  EXPECT_EQ(Written("fields", {.fields = {"name"}}), "--field: must be ID=LABEL: name");
  EXPECT_EQ(Written("fields", {.user_data = "none"}), "--user-data: can't read none");
  EXPECT_EQ(Written("fields", {.user_data = "list.json"}),
            "--user-data: list.json has no JSON object in it");
}

TEST(WorkflowFlags, ComparisonAndItsDocuments) {
  EXPECT_EQ(
      Written("comparison", {.standard = "ours=a/lease.txt",
                             .candidates = {"a/lease.txt", "annex", "redis:draft", "x=redis:a=b",
                                            "https://files.example.com/d/old.txt?key=1",
                                            "new=https://files.example.com/d?key=2"},
                             .mode = "full",
                             .force_batch = true}),
      R"({"standard":{"id":"ours","text":"The rent is due."},"candidates":[)"
      R"({"id":"lease.txt","text":"The rent is due."},{"id":"annex","text":"No pets."},)"
      R"({"id":"draft","ref":"redis:draft"},{"id":"x","ref":"redis:a=b"},)"
      R"({"id":"old.txt","ref":"https://files.example.com/d/old.txt?key=1"},)"
      R"({"id":"new","ref":"https://files.example.com/d?key=2"}],"mode":"full","force_batch":true})");
  EXPECT_EQ(Written("comparison", {.standard = "none"}), "--standard: can't read none");
}

TEST(WorkflowFlags, Query) {
  EXPECT_EQ(Written("query", {.question = "When?", .documents = {"annex"}}),
            R"({"question":"When?","documents":[{"id":"annex","text":"No pets."}]})");
}

TEST(WorkflowFlags, Classification) {
  EXPECT_EQ(Written("classification", {.sessions = "sessions.json"}),
            R"({"sessions":[{"user_id":"u"}]})");
  EXPECT_EQ(Written("classification", {.sessions = "sessions.jsonl"}),
            R"({"sessions":[{"user_id":"u"},{"user_id":"v"}]})");
  EXPECT_EQ(Written("classification", {.sessions = "broken.jsonl"}),
            "--sessions: broken.jsonl: line 2 is no JSON object");
  EXPECT_EQ(Written("classification", {.sessions_ref = "redis:s"}),
            R"({"sessions_ref":"redis:s"})");
  EXPECT_EQ(Written("chain", {.sessions_ref = "redis:s"}),
            "--sessions-ref: is for jobs of classification, and the task's workflow is chain");
}

TEST(WorkflowFlags, Chain) {
  EXPECT_EQ(Written("chain", {.total_units = 12,
                              .units_per_batch = 3,
                              .goal = "a marathon",
                              .unit_schema = "schema.json"}),
            R"({"total_units":12,"units_per_batch":3,"goal":"a marathon",)"
            R"("unit_schema":{"type":"object"}})");
  EXPECT_EQ(Written("chain", {.prompts = {"one", "two"}}), R"({"prompts":["one","two"]})");
}

TEST(WorkflowFlags, ThoseOfAnotherWorkflowAreRefused) {
  EXPECT_EQ(Written("map", {.question = "When?"}),
            "--question: is for jobs of query, and the task's workflow is map");
  EXPECT_EQ(Written("chain", {.force_batch = true}),
            "--force-batch: is for jobs of comparison or query, and the task's workflow is chain");
  const auto message = MessageOf({.task = "t", .texts = {"x"}}, "query", ReadTestFile);
  ASSERT_FALSE(message.ok());
  EXPECT_THAT(message.error().message, HasSubstr("are for jobs of map"));
}

TEST(WorkflowFlags, AreMembersOfTheJob) {
  const auto message = MessageOf({.task = "ask",
                                  .user_id = "u",
                                  .job_id = "j",
                                  .own = {.question = "When?", .documents = {"redis:lease"}}},
                                 "query", ReadTestFile);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(*message, R"({"kind":"job","job_id":"j","workflow":"query","task":"ask","user_id":"u",)"
                      R"("question":"When?","documents":[{"id":"lease","ref":"redis:lease"}]})");
}

}  // namespace
}  // namespace llmbatch::ctl
