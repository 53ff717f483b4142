#include "redis/server_facts.h"

#include <array>
#include <optional>
#include <string_view>

#include "admission/hold_script.h"
#include "admission/limit_script.h"
#include "admission/permit_script.h"
#include "jobs/record_script.h"
#include "ledger/claim_script.h"

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

Request LoadRequest(std::string_view script) { return {"SCRIPT", "LOAD", std::string(script)}; }

}  // namespace

base::Result<void> LoadScripts(Connection& connection) {
  const auto exchanged = connection.Exchange(
      {LoadRequest(admission::PermitScript()), LoadRequest(ledger::ClaimScript()),
       LoadRequest(admission::LimitScript()), LoadRequest(admission::HoldScript()),
       LoadRequest(jobs::RecordScript())});
  if (exchanged.error) return *exchanged.error;
  for (const OwnedReply& reply : exchanged.replies) {
    if (auto sha = ReadScriptSha(reply.view(), connection.server()); !sha) return sha.error();
  }
  return {};
}

base::Result<ServerFacts> PrepareServer(Connection& connection) {
  const auto exchanged = connection.Exchange({LoadRequest(admission::PermitScript()),
                                              LoadRequest(ledger::ClaimScript()),
                                              LoadRequest(admission::LimitScript()),
                                              LoadRequest(admission::HoldScript()),
                                              LoadRequest(jobs::RecordScript()),
                                              {"INFO", "server"},
                                              {"INFO", "replication"}});
  if (exchanged.error) return *exchanged.error;
  auto permit_script = ReadScriptSha(exchanged.replies[0].view(), connection.server());
  if (!permit_script) return permit_script.error();
  auto claim_script = ReadScriptSha(exchanged.replies[1].view(), connection.server());
  if (!claim_script) return claim_script.error();
  auto limit_script = ReadScriptSha(exchanged.replies[2].view(), connection.server());
  if (!limit_script) return limit_script.error();
  auto hold_script = ReadScriptSha(exchanged.replies[3].view(), connection.server());
  if (!hold_script) return hold_script.error();
  auto job_script = ReadScriptSha(exchanged.replies[4].view(), connection.server());
  if (!job_script) return job_script.error();
  if (InfoField(exchanged.replies[6].view().Text().value_or(""), "role") == "slave") {
    return base::MakeError(base::ErrorKind::kUnavailable,
                           connection.server() + " is a read-only replica");
  }
  return ServerFacts{.run_id = InfoField(exchanged.replies[5].view().Text().value_or(""), "run_id"),
                     .permit_script = *std::move(permit_script),
                     .claim_script = *std::move(claim_script),
                     .limit_script = *std::move(limit_script),
                     .hold_script = *std::move(hold_script),
                     .job_script = *std::move(job_script)};
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
