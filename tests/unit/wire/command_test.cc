#include "wire/command.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "json/schema.h"

namespace llmbatch::wire {
namespace {

constexpr std::size_t kMaxBytes = 1'000;

// "kind job user" of a command, or why it is none.
std::string Read(std::optional<std::string> value) {
  ports::Record record;
  record.value = std::move(value);
  const auto decoded = DecodeCommand(record, kMaxBytes);
  if (const auto* malformed = std::get_if<Malformed>(&decoded)) {
    return std::string(ToString(malformed->reason)) + " " + malformed->detail.substr(0, 7);
  }
  const auto& command = std::get<JobCommand>(decoded);
  return std::string(ToString(command.kind)) + " " + command.job_id + " " + command.user_id;
}

TEST(DecodeCommand, ReadsCommandsAndRefusesEverythingElse) {
  const std::pair<std::optional<std::string>, const char*> cases[] = {
      {R"({"kind":"cancel","job_id":"j","user_id":"u","more":1})", "cancel j u"},
      {R"({"kind":"retry","job_id":"j","user_id":"u"})", "retry j u"},
      {R"({"kind":"Cancel","job_id":"j","user_id":"u"})", "unknown_kind kind: m"},
      {R"({"kind":"cancel","user_id":"u"})", "missing_field job_id:"},
      {R"({"kind":"cancel","job_id":"j"})", "missing_field user_id"},
      {R"({"kind":"cancel","job_id":7,"user_id":"u"})", "wrong_type job_id:"},
      {R"({"kind":"cancel","job_id":"","user_id":"u"})", "invalid_value job_id:"},
      {"[]", "wrong_type message"},
      {"cancel", "not_json "},
      {std::nullopt, "tombstone the val"},
      {std::string(kMaxBytes + 1, ' '), "too_large larger "},
  };
  for (const auto& [value, expected] : cases) {
    EXPECT_TRUE(Read(value).starts_with(expected)) << Read(value) << " is not " << expected;
  }
}

TEST(EncodeCommandError, MeetsItsSchema) {
  std::ifstream file(LLMBATCH_SOURCE_DIR "/schemas/command_error.schema.json", std::ios::binary);
  const auto schema = json::Schema::Compile(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  const JobCommand command{.kind = JobCommand::Kind::kRetry, .job_id = "j", .user_id = "u"};
  const std::string text = EncodeCommandError(command, model::ErrorCode::kForbidden, "m");
  EXPECT_EQ(text, R"({"kind":"command_error","command":"retry","job_id":"j","user_id":"u",)"
                  R"("error":{"code":"forbidden","message":"m"}})");
  EXPECT_TRUE(schema->Validate(text).ok());
}

TEST(EncodeRetry, IsTheSameJobUnderAnotherName) {
  const auto retry =
      EncodeRetry(R"({ "kind":"job", "job_id":"j", "x":[1.50], "retry_of":"i" })", "j~1");
  ASSERT_TRUE(retry.ok());
  EXPECT_EQ(*retry, R"({"kind":"job","job_id":"j~1","x":[1.50],"retry_of":"j"})");
  for (const char* text : {"", "{}", "[]", R"({"job_id":7})"}) {
    EXPECT_FALSE(EncodeRetry(text, "j").ok()) << text;
  }
}

}  // namespace
}  // namespace llmbatch::wire
