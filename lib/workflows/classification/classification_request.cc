#include "workflows/classification/classification_request.h"

#include <array>
#include <string_view>
#include <utility>

#include "json/object_reader.h"
#include "wire/listing.h"
#include "wire/reference.h"

namespace llmbatch::workflows {
namespace {

using json::Kind;
using json::ObjectReader;

constexpr std::array<std::pair<std::string_view, Containment>, 3> kContainments{
    {{"agent", Containment::kAgent},
     {"selfService", Containment::kSelfService},
     {"dropOff", Containment::kDropOff}}};

Containment ReadContainment(ObjectReader& reader) {
  const std::string text = reader.String("containment_type");
  for (const auto& [name, containment] : kContainments) {
    if (name == text) return containment;
  }
  if (reader.ok()) reader.Fail("containment_type", "must be agent, selfService or dropOff");
  return Containment::kAgent;
}

std::optional<base::WallTime> ReadStart(ObjectReader& reader) {
  const auto text = reader.OptionalString("started_at");
  if (!text) return std::nullopt;
  const auto start = base::ParseRfc3339(*text);
  if (!start) reader.Fail("started_at", "must be a time as in RFC 3339");
  return start;
}

// A text, or the list of its messages.
std::size_t ReadLength(ObjectReader& reader) {
  const auto transcript = reader.Any("transcript");
  if (transcript && transcript->is(Kind::kString)) return transcript->AsString().size();
  if (transcript && transcript->is(Kind::kArray)) return transcript->ToJson().size();
  reader.Required("transcript", Kind::kString);  // notes what is missing or was expected
  return 0;
}

ClassificationConfig ReadConfig(const std::optional<json::Value>& config, ObjectReader& job) {
  ClassificationConfig read;
  if (!config) return read;
  ObjectReader reader(*config, "config");
  const auto take = [&reader](std::string_view name, std::int64_t& value, json::IntLimits limits) {
    value = reader.OptionalInt(name, limits).value_or(value);
  };
  const auto most = static_cast<std::int64_t>(kMaxSessions);
  take("discovery_target_percentage", read.discovery_target_percentage, {.min = 1, .max = 100});
  take("discovery_min_sessions", read.discovery_min_sessions, {.min = 1, .max = most});
  take("discovery_max_sessions", read.discovery_max_sessions, {.min = 1, .max = most});
  take("discovery_sessions_per_call", read.discovery_sessions_per_call, {.min = 1, .max = 1'000});
  take("parallel_stream_count", read.parallel_stream_count, {.min = 1, .max = kMaxStreams});
  take("sessions_per_stream", read.sessions_per_stream, {.min = 1, .max = 1'000});
  take("seed", read.seed, {.min = 0});
  if (reader.ok() && read.discovery_min_sessions > read.discovery_max_sessions) {
    reader.Fail("discovery_min_sessions", "more than discovery_max_sessions");
  }
  if (!reader.ok()) {
    // The path is in the message already.
    const std::string& message = reader.error()->message;
    const std::size_t colon = message.find(": ");
    job.Fail(message.substr(0, colon),
             colon == std::string::npos ? message : message.substr(colon + 2));
  }
  return read;
}

Session ReadSession(json::Value value, ObjectReader& reader) {
  Session session;
  session.user_id = reader.String("user_id", wire::kIdLimits);
  session.length = ReadLength(reader);
  session.containment = ReadContainment(reader);
  session.started_at = ReadStart(reader);
  if (reader.ok()) session.json = value.ToJson();
  return session;
}

// In the message, or where they are.
std::optional<json::Value> ReadSessions(ClassificationRequest& request, ObjectReader& reader) {
  if (reader.Any("sessions_ref")) {
    request.sessions_place = wire::ReadPlace(reader, "sessions_ref");
    if (reader.Any("sessions")) reader.Fail("sessions_ref", "given besides sessions");
    return std::nullopt;
  }
  const auto sessions = reader.Required("sessions", Kind::kArray);
  if (sessions && (sessions->size() < 1 || sessions->size() > kMaxSessions)) {
    reader.Fail("sessions", "must have from 1 to " + std::to_string(kMaxSessions) + " elements");
  }
  return sessions;
}

}  // namespace

std::variant<ClassificationRequest, wire::Malformed> ReadClassificationRequest(json::Value job) {
  ClassificationRequest request;
  ObjectReader reader(job, "");
  const auto sessions = ReadSessions(request, reader);
  request.config = ReadConfig(reader.Optional("config", Kind::kObject), reader);
  if (!reader.ok()) return wire::MalformedBy(reader);
  if (!sessions) return request;
  request.sessions.reserve(sessions->size());
  for (std::size_t i = 0; i < sessions->size(); ++i) {
    ObjectReader each(sessions->At(i), "sessions[" + std::to_string(i) + "]");
    request.sessions.push_back(ReadSession(sessions->At(i), each));
    if (!each.ok()) return wire::MalformedBy(each);
  }
  return request;
}

std::variant<std::vector<Session>, std::string> ReadListedSessions(std::string_view text) {
  std::vector<Session> sessions;
  auto wrong = wire::ReadListing(
      text, kMaxSessions,
      [&](json::Value element, const std::string& path) -> std::optional<std::string> {
        ObjectReader reader(element, path);
        sessions.push_back(ReadSession(element, reader));
        if (reader.ok()) return std::nullopt;
        return reader.error()->message;
      });
  if (wrong) return *std::move(wrong);
  return sessions;
}

}  // namespace llmbatch::workflows
