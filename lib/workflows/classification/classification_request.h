// The own members of a job of workflow `classification`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "json/value.h"
#include "model/document_place.h"
#include "wire/request.h"

namespace llmbatch::workflows {

inline constexpr std::size_t kMaxSessions = 10'000;
inline constexpr std::int64_t kMaxStreams = 64;

// How a session ended.
enum class Containment { kAgent, kSelfService, kDropOff };

struct Session {
  std::string user_id;
  Containment containment = Containment::kAgent;
  std::size_t length = 0;  // bytes of the transcript
  std::optional<base::WallTime> started_at;
  std::string json;  // all of it, as the model is given it
};

struct ClassificationConfig {
  std::int64_t discovery_target_percentage = 15;
  std::int64_t discovery_min_sessions = 50;
  std::int64_t discovery_max_sessions = 150;
  std::int64_t discovery_sessions_per_call = 1;
  std::int64_t parallel_stream_count = 8;
  std::int64_t sessions_per_stream = 4;  // in a round
  std::int64_t seed = 1;                 // of what is drawn
};

struct ClassificationRequest {
  std::vector<Session> sessions;  // empty only with a place
  // Set: the sessions aren't in the message.
  std::optional<model::DocumentPlace> sessions_place;
  ClassificationConfig config;
};

std::variant<ClassificationRequest, wire::Malformed> ReadClassificationRequest(json::Value job);
// Reads the text at the place of the sessions: what would stand in the message as `sessions`. The
// error is what is wrong, with the line or index.
std::variant<std::vector<Session>, std::string> ReadListedSessions(std::string_view text);

}  // namespace llmbatch::workflows
