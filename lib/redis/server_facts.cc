#include "redis/server_facts.h"

#include <array>
#include <optional>
#include <string_view>

#include "admission/permit_script.h"

namespace llmbatch::redis {
namespace {

constexpr std::size_t kMaxNameBytes = 64;

// The value of "name:value" in the lines that INFO gives; empty if it isn't there.
std::string InfoField(std::string_view info, std::string_view name) {
  const std::string line_start = "\n" + std::string(name) + ":";
  const std::size_t found = info.find(line_start);
  if (found == std::string_view::npos) return {};
  const std::string_view rest = info.substr(found + line_start.size());
  return std::string(rest.substr(0, std::min(rest.find_first_of("\r\n"), kMaxNameBytes)));
}

// The value in CONFIG GET's answer; nullopt if we may not ask.
std::optional<std::string_view> Setting(ReplyView reply) {
  return reply.Size() == 2 ? reply.At(1).Text() : std::nullopt;
}

base::Result<std::string> ReadScriptSha(ReplyView reply, const std::string& server) {
  if (reply.IsError()) return ErrorFrom(reply, server);
  const auto sha = reply.Text();
  if (!sha) return UnexpectedReply("SCRIPT LOAD", server);
  return std::string(sha->substr(0, kMaxNameBytes));
}

Request LoadRequest() { return {"SCRIPT", "LOAD", std::string(admission::PermitScript())}; }

}  // namespace

base::Result<std::string> LoadPermitScript(Connection& connection) {
  const auto exchanged = connection.Exchange({LoadRequest()});
  if (exchanged.error) return *exchanged.error;
  return ReadScriptSha(exchanged.replies.front().view(), connection.server());
}

base::Result<ServerFacts> PrepareServer(Connection& connection) {
  const auto exchanged =
      connection.Exchange({LoadRequest(), {"INFO", "server"}, {"INFO", "replication"}});
  if (exchanged.error) return *exchanged.error;
  auto sha = ReadScriptSha(exchanged.replies[0].view(), connection.server());
  if (!sha) return sha.error();
  if (InfoField(exchanged.replies[2].view().Text().value_or(""), "role") == "slave") {
    return base::MakeError(base::ErrorKind::kUnavailable,
                           connection.server() + " is a read-only replica");
  }
  return ServerFacts{.run_id = InfoField(exchanged.replies[1].view().Text().value_or(""), "run_id"),
                     .script_sha = *std::move(sha)};
}

std::vector<std::string> RiskySettings(Connection& connection) {
  const auto exchanged = connection.Exchange({{"CONFIG", "GET", "save"},
                                              {"CONFIG", "GET", "appendonly"},
                                              {"CONFIG", "GET", "maxmemory"},
                                              {"CONFIG", "GET", "maxmemory-policy"}});
  if (exchanged.error) return {};
  std::array<std::optional<std::string_view>, 4> settings;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    settings[i] = Setting(exchanged.replies[i].view());
    if (!settings[i]) return {};
  }
  const auto [save, append_only, max_memory, policy] = settings;
  std::vector<std::string> risks;
  if (save->empty() && append_only == "no") {
    risks.emplace_back("Redis keeps nothing on disk: after its restart answers may be paid twice");
  }
  const bool never_touches_permits = policy == "noeviction" || policy->substr(0, 9) == "volatile-";
  if (max_memory != "0" && !never_touches_permits) {
    risks.emplace_back("Redis may evict permits: set maxmemory-policy to noeviction or volatile-*");
  }
  return risks;
}

}  // namespace llmbatch::redis
