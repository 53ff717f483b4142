// What Redis answered, read without trusting that it is what was asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct redisReply;

namespace llmbatch::redis {

// A look at one reply, or at a part of one. Valid as long as the OwnedReply that it comes from.
class ReplyView {
 public:
  explicit ReplyView(const redisReply* reply) : reply_(reply) {}

  bool IsError() const;
  bool IsNil() const;
  std::optional<std::int64_t> Integer() const;
  // A string or a status; nullopt if it is anything else.
  std::optional<std::string_view> Text() const;
  // Number of parts; nullopt unless it is an array.
  std::optional<std::size_t> Size() const;
  // REQUIRES: index < *Size()
  ReplyView At(std::size_t index) const;
  // The first word of an error, such as "NOSCRIPT"; empty if it is none. The rest of an error may
  // repeat what we sent, so it is not for messages.
  std::string_view ErrorCode() const;

 private:
  const redisReply* reply_;
};

struct ReplyDeleter {
  void operator()(redisReply* reply) const;
};

class OwnedReply {
 public:
  explicit OwnedReply(redisReply* reply) : reply_(reply) {}
  ReplyView view() const { return ReplyView(reply_.get()); }

 private:
  std::unique_ptr<redisReply, ReplyDeleter> reply_;
};

// What an error reply means for us. `server` names the server in the message.
base::Error ErrorFrom(ReplyView reply, std::string_view server);
// For a reply that is no error, but of another form than the request's answer has.
base::Error UnexpectedReply(std::string_view request, std::string_view server);

}  // namespace llmbatch::redis
