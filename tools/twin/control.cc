#include "twin/control.h"

#include <charconv>
#include <cstdint>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

ControlReply Failure(int status, std::string_view message) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  writer.Key("error");
  WriteText(writer, message);
  writer.EndObject();
  return ControlReply{.status = status, .body = TakeText(buffer)};
}

// The number given as `name=…`, or `otherwise`.
std::uint64_t QueryNumber(std::string_view query, std::string_view name, std::uint64_t otherwise) {
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(part.size() < query.size() ? part.size() + 1 : part.size());
    if (part.substr(0, part.find('=')) != name || part.size() <= name.size()) continue;
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(part.data() + name.size() + 1, part.data() + part.size(), value);
    if (error == std::errc() && end == part.data() + part.size()) return value;
  }
  return otherwise;
}

ControlReply Get(const Journal& journal, std::string_view name, std::string_view query,
                 base::Timestamp now) {
  if (name == "summary") return ControlReply{.body = journal.Summary(now)};
  if (name == "items") return ControlReply{.body = journal.ItemsAsJson()};
  if (name == "journal") {
    return ControlReply{.content_type = "application/x-ndjson",
                        .body = journal.Lines(QueryNumber(query, "from", 1),
                                              QueryNumber(query, "limit", UINT64_MAX))};
  }
  return Failure(404, "no such page; there are journal, summary and items");
}

}  // namespace

ControlReply HandleControl(Twin& twin, Method method, std::string_view path, std::string_view query,
                           std::string_view body, base::Timestamp now) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (method == Method::kGet) return Get(twin.journal(), name, query, now);
  if (method == Method::kPost && name == "script") {
    const auto applied = twin.ApplyScript(body, now);
    return applied ? ControlReply{.body = "{}"} : Failure(400, applied.error().message);
  }
  if (method == Method::kPost && name == "reset") {
    twin.Reset(now);
    return ControlReply{.body = "{}"};
  }
  return Failure(404, "no such action; POST goes to script or reset");
}

}  // namespace llmbatch::twin
