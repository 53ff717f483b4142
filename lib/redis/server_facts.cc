#include "redis/server_facts.h"

#include <array>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "admission/hold_script.h"
#include "admission/limit_script.h"
#include "admission/permit_script.h"
#include "jobs/record_script.h"
#include "ledger/claim_script.h"
#include "tokens/ratio_script.h"

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

// A script's text, and where its name goes.
struct Script {
  std::string_view (*text)();
  std::string ServerFacts::*name;
};
constexpr Script kScripts[] = {
    {admission::PermitScript, &ServerFacts::permit_script},
    {ledger::ClaimScript, &ServerFacts::claim_script},
    {admission::LimitScript, &ServerFacts::limit_script},
    {admission::HoldScript, &ServerFacts::hold_script},
    {jobs::RecordScript, &ServerFacts::job_script},
    {tokens::RatioScript, &ServerFacts::ratio_script},
};

std::vector<Request> LoadRequests() {
  std::vector<Request> requests;
  for (const Script& script : kScripts)
    requests.push_back({"SCRIPT", "LOAD", std::string(script.text())});
  return requests;
}

// REQUIRES: the replies begin with those to LoadRequests().
base::Result<void> ReadScripts(std::span<const OwnedReply> replies, const std::string& server,
                               ServerFacts& facts) {
  for (std::size_t i = 0; i < std::size(kScripts); ++i) {
    auto sha = ReadScriptSha(replies[i].view(), server);
    if (!sha) return sha.error();
    facts.*kScripts[i].name = *std::move(sha);
  }
  return {};
}

}  // namespace

base::Result<void> LoadScripts(Connection& connection) {
  const auto exchanged = connection.Exchange(LoadRequests());
  if (exchanged.error) return *exchanged.error;
  ServerFacts unchanged;
  return ReadScripts(exchanged.replies, connection.server(), unchanged);
}

base::Result<ServerFacts> PrepareServer(Connection& connection) {
  std::vector<Request> requests = LoadRequests();
  requests.push_back({"INFO", "server"});
  requests.push_back({"INFO", "replication"});
  const auto exchanged = connection.Exchange(requests);
  if (exchanged.error) return *exchanged.error;
  ServerFacts facts;
  if (auto read = ReadScripts(exchanged.replies, connection.server(), facts); !read) {
    return read.error();
  }
  const auto info = [&exchanged](std::size_t from_end) {
    return exchanged.replies[exchanged.replies.size() - from_end].view().Text().value_or("");
  };
  facts.run_id = InfoField(info(2), "run_id");
  if (InfoField(info(1), "role") == "slave") {
    return base::MakeError(base::ErrorKind::kUnavailable,
                           connection.server() + " is a read-only replica");
  }
  return facts;
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
