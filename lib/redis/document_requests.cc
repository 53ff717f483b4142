#include "redis/document_requests.h"

#include <cstdint>
#include <utility>

namespace llmbatch::redis {

std::string DocumentKey(std::string_view prefix, std::string_view user_id, std::string_view name) {
  std::string key = std::string(prefix) + "doc:";
  for (const char c : user_id) {
    if (c == '%') {
      key += "%25";
    } else if (c == ':') {
      key += "%3A";
    } else {
      key += c;
    }
  }
  key += ':';
  return key.append(name);
}

std::vector<Request> Build(const ports::FetchDocument& fetch, const Deployment& deployment,
                           const ServerFacts&) {
  // One byte more than may be tells a document that is too long from one that is just not.
  return {{"GETRANGE", DocumentKey(deployment.Prefix(), fetch.user_id, fetch.place.name), "0",
           std::to_string(fetch.max_bytes)}};
}

base::Result<std::string> ReadDocument(const ports::FetchDocument& fetch, ReplyView reply,
                                       std::string_view server) {
  if (reply.ErrorCode() == "WRONGTYPE") return base::Invalid("the key is of no text");
  if (reply.IsError()) return ErrorFrom(reply, server);
  const auto text = reply.Text();
  if (!text) return UnexpectedReply("GETRANGE", server);
  if (text->empty()) {
    return base::MakeError(base::ErrorKind::kNotFound, "the user has none of this name");
  }
  if (static_cast<std::int64_t>(text->size()) > fetch.max_bytes) {
    return base::MakeError(base::ErrorKind::kTooLarge,
                           "has more than " + std::to_string(fetch.max_bytes) + " bytes");
  }
  return std::string(*text);
}

}  // namespace llmbatch::redis
