#include "redis/job_requests.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "jobs/record_script.h"

namespace llmbatch::redis {
namespace {

constexpr std::size_t kTakenFields = 9;
constexpr std::size_t kMemberFields = 3;
constexpr std::size_t kRefusedFields = 2;
constexpr std::size_t kCommandedFields = 5;

std::string Millis(base::WallTime time) {
  return std::to_string(base::ToMillis(time.time_since_epoch()));
}

Request Begin(std::string_view operation, const std::string& job_id, base::WallTime now,
              base::Duration ttl, const Deployment& deployment, const ServerFacts& facts) {
  const std::string prefix = deployment.Prefix();
  return {"EVALSHA",
          facts.job_script,
          "1",
          jobs::RecordKey(prefix, job_id),
          std::string(operation),
          prefix,
          Millis(now),
          std::to_string(std::max<std::int64_t>(1, base::ToMillis(ttl))),
          job_id};
}

// The first texts of a reply that is an array of at least so many; nullopt for anything else.
template <std::size_t kCount>
std::optional<std::array<std::string_view, kCount>> FirstTexts(ReplyView reply) {
  if (reply.Size() < kCount) return std::nullopt;
  std::array<std::string_view, kCount> texts;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto text = reply.At(i).Text();
    if (!text) return std::nullopt;
    texts[i] = *text;
  }
  return texts;
}

// The same, of an array of exactly so many.
template <std::size_t kCount>
std::optional<std::array<std::string_view, kCount>> Texts(ReplyView reply) {
  return reply.Size() == kCount ? FirstTexts<kCount>(reply) : std::nullopt;
}

// Ids and values in turn, from the element `begin` on.
std::optional<std::vector<ports::JobPart>> ReadParts(ReplyView reply, std::size_t begin) {
  std::vector<ports::JobPart> parts;
  for (std::size_t i = begin; i < reply.Size(); i += 2) {
    const auto id = reply.At(i).Text();
    const auto value = i + 1 < reply.Size() ? reply.At(i + 1).Text() : std::nullopt;
    if (!id || !value) return std::nullopt;
    parts.push_back({.id = std::string(*id), .value = std::string(*value)});
  }
  return parts;
}

std::optional<std::int64_t> ToNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return number;
}

template <typename State, std::size_t kCount>
std::optional<State> Named(std::string_view name,
                           const std::array<std::pair<std::string_view, State>, kCount>& names) {
  for (const auto& [each, state] : names) {
    if (each == name) return state;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Request> Build(const ports::TakeJobRecord& take, const Deployment& deployment,
                           const ServerFacts& facts) {
  Request request = Begin("take", take.job_id, take.now, take.ttl, deployment, facts);
  for (const std::string& each :
       {take.user_id, take.content, take.workflow, take.task, std::to_string(take.priority),
        take.request, take.topic, take.identity, take.retry_of}) {
    request.push_back(each);
  }
  return {std::move(request)};
}

std::vector<Request> Build(const ports::SaveJobRecord& save, const Deployment& deployment,
                           const ServerFacts& facts) {
  Request request = Begin("save", save.job_id, save.now, save.ttl, deployment, facts);
  for (const std::string& each :
       {std::to_string(save.epoch), std::string(model::ToString(save.status)),
        std::to_string(save.sequence), std::to_string(save.percent), save.event, save.result}) {
    request.push_back(each);
  }
  request.push_back(std::to_string(save.members.size()));
  for (const auto* parts : {&save.members, &save.batches}) {
    for (const ports::JobPart& part : *parts) {
      request.push_back(part.id);
      request.push_back(part.value);
    }
  }
  return {std::move(request)};
}

std::vector<Request> Build(const ports::AskJobMember& ask, const Deployment& deployment,
                           const ServerFacts& facts) {
  Request request = Begin("member", ask.job_id, ask.now, {}, deployment, facts);
  request.push_back(ask.member);
  return {std::move(request)};
}

std::vector<Request> Build(const ports::CommandJobRecord& command, const Deployment& deployment,
                           const ServerFacts& facts) {
  const bool cancel = command.kind == ports::CommandJobRecord::Kind::kCancel;
  Request request = Begin(cancel ? "cancel" : "retry", command.job_id, command.now, command.ttl,
                          deployment, facts);
  request.push_back(command.user_id);
  return {std::move(request)};
}

base::Result<ports::TakenJob> ReadTaken(ReplyView reply, std::string_view server) {
  using State = ports::TakenJob::State;
  constexpr std::array<std::pair<std::string_view, State>, 5> kStates{
      {{"new", State::kNew},
       {"interrupted", State::kInterrupted},
       {"ended", State::kEnded},
       {"other_user", State::kOtherUser},
       {"other_content", State::kOtherContent}}};
  if (reply.IsError()) return ErrorFrom(reply, server);
  const auto texts = FirstTexts<kTakenFields>(reply);
  auto members = ReadParts(reply, kTakenFields);
  if (!texts || !members) return UnexpectedReply("the job script", server);
  const auto state = Named((*texts)[0], kStates);
  const auto epoch = ToNumber((*texts)[1]);
  const auto sequence = ToNumber((*texts)[2]);
  const auto percent = ToNumber((*texts)[3]);
  const auto status = model::ParseJobStatus((*texts)[8]).value_or(model::JobStatus::kQueued);
  if (!state || !epoch || !sequence || !percent || *percent < 0 || *percent > 100 ||
      *sequence < 0 || (*state == State::kEnded && !model::IsFinal(status))) {
    return UnexpectedReply("the job script", server);
  }
  return ports::TakenJob{.state = *state,
                         .epoch = *epoch,
                         .sequence = *sequence,
                         .percent = static_cast<int>(*percent),
                         .event = std::string((*texts)[4]),
                         .members = *std::move(members),
                         .status = status,
                         .result = std::string((*texts)[5]),
                         .identity = std::string((*texts)[6]),
                         .cancel_requested = !(*texts)[7].empty()};
}

base::Result<ports::JobRecordSaved::State> ReadSaved(ReplyView reply, std::string_view server) {
  using State = ports::JobRecordSaved::State;
  if (reply.IsError()) return ErrorFrom(reply, server);
  if (reply.Integer() == 0) return State::kRefused;
  if (reply.Integer() == 1) return State::kSaved;
  if (reply.Integer() == 2) return State::kCancelRequested;
  return UnexpectedReply("the job script", server);
}

base::Result<ports::ToldMember> ReadMember(ReplyView reply, std::string_view server) {
  using State = ports::ToldMember::State;
  constexpr std::array<std::pair<std::string_view, State>, 3> kStates{
      {{"unknown", State::kUnknown}, {"open", State::kOpen}, {"ended", State::kEnded}}};
  if (reply.IsError()) return ErrorFrom(reply, server);
  const auto texts = Texts<kMemberFields>(reply);
  const auto state = texts ? Named((*texts)[0], kStates) : std::nullopt;
  if (!state) return UnexpectedReply("the job script", server);
  return ports::ToldMember{
      .state = *state,
      .status = model::ParseJobStatus((*texts)[1]).value_or(model::JobStatus::kQueued),
      .value = std::string((*texts)[2])};
}

base::Result<ports::CommandedJob> ReadCommanded(ReplyView reply, std::string_view server) {
  using State = ports::CommandedJob::State;
  constexpr std::array<std::pair<std::string_view, State>, 4> kStates{
      {{"done", State::kDone},
       {"unknown", State::kUnknown},
       {"other_user", State::kOtherUser},
       {"illegal", State::kIllegal}}};
  if (reply.IsError()) return ErrorFrom(reply, server);
  const auto brief = Texts<kRefusedFields>(reply);
  const auto full = Texts<kCommandedFields>(reply);
  if (!brief && !full) return UnexpectedReply("the job script", server);
  const auto state = Named(brief ? (*brief)[0] : (*full)[0], kStates);
  const std::string_view status = brief ? (*brief)[1] : (*full)[1];
  if (!state) return UnexpectedReply("the job script", server);
  ports::CommandedJob commanded;
  commanded.state = *state;
  commanded.status = model::ParseJobStatus(status).value_or(model::JobStatus::kQueued);
  if (full) {
    commanded.request = std::string((*full)[2]);
    commanded.topic = std::string((*full)[3]);
    commanded.identity = std::string((*full)[4]);
  }
  return commanded;
}

}  // namespace llmbatch::redis
