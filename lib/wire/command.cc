#include "wire/command.h"

#include <utility>

#include "json/object_reader.h"
#include "json/value.h"
#include "json/writer.h"

namespace llmbatch::wire {
namespace {

using json::ObjectReader;

constexpr json::Limits kJobLimits{
    .max_bytes = std::size_t{1} << 30, .max_depth = kMaxJsonDepth, .max_nodes = kMaxJsonValues};

}  // namespace

std::string_view ToString(JobCommand::Kind kind) {
  return kind == JobCommand::Kind::kCancel ? "cancel" : "retry";
}

std::variant<JobCommand, Malformed> DecodeCommand(const ports::Record& record,
                                                  std::size_t max_bytes) {
  auto document = ReadDocument(record, max_bytes);
  if (auto* malformed = std::get_if<Malformed>(&document)) return std::move(*malformed);
  ObjectReader reader(std::get<json::Document>(document).root(), "");
  JobCommand command;
  const std::string kind = reader.String("kind");
  command.job_id = reader.String("job_id", kIdLimits);
  command.user_id = reader.String("user_id", kIdLimits);
  if (!reader.ok()) return MalformedBy(reader);
  if (kind != "cancel" && kind != "retry") {
    return Malformed{.reason = MalformedReason::kUnknownKind,
                     .detail = "kind: must be cancel or retry"};
  }
  command.kind = kind == "cancel" ? JobCommand::Kind::kCancel : JobCommand::Kind::kRetry;
  return command;
}

std::string EncodeCommandError(const JobCommand& command, model::ErrorCode code,
                               std::string_view message) {
  json::Writer writer;
  writer.BeginObject().Key("kind").String("command_error");
  writer.Key("command").String(ToString(command.kind));
  writer.Key("job_id").String(command.job_id);
  writer.Key("user_id").String(command.user_id);
  writer.Key("error").BeginObject();
  writer.Key("code").String(model::ToString(code));
  writer.Key("message").String(message);
  writer.EndObject();
  return writer.EndObject().Take();
}

base::Result<std::string> EncodeRetry(std::string_view request, std::string_view job_id) {
  const auto document = json::Document::Parse(request, kJobLimits);
  if (!document) return document.error();
  const json::Value root = document->root();
  const auto before = root.Find("job_id");
  if (!before || !before->is(json::Kind::kString)) return base::Invalid("job_id: missing");
  json::Writer writer;
  writer.BeginObject();
  for (std::size_t i = 0; i < root.size(); ++i) {
    const json::Member member = root.MemberAt(i);
    if (member.name == "retry_of") continue;
    writer.Key(member.name);
    member.name == "job_id" ? writer.String(job_id) : writer.Raw(member.value.ToJson());
  }
  writer.Key("retry_of").String(before->AsString());
  return writer.EndObject().Take();
}

}  // namespace llmbatch::wire
