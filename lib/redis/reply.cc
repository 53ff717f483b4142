#include "redis/reply.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace llmbatch::redis {
namespace {

constexpr std::size_t kMaxErrorCodeBytes = 32;

struct Meaning {
  std::string_view code;
  base::ErrorKind kind;
  std::string_view text;
};

constexpr std::array kMeanings = {
    Meaning{"READONLY", base::ErrorKind::kUnavailable, "is a read-only replica"},
    Meaning{"LOADING", base::ErrorKind::kUnavailable, "is still loading its data"},
    Meaning{"MISCONF", base::ErrorKind::kUnavailable, "can't write to its disk"},
    Meaning{"OOM", base::ErrorKind::kUnavailable, "has reached maxmemory"},
    Meaning{"BUSY", base::ErrorKind::kUnavailable, "is busy with a script"},
    Meaning{"NOSCRIPT", base::ErrorKind::kUnavailable, "has lost the permit script"},
    Meaning{"MASTERDOWN", base::ErrorKind::kUnavailable, "is a replica that lost its master"},
    Meaning{"NOREPLICAS", base::ErrorKind::kUnavailable, "has too few replicas"},
    Meaning{"CLUSTERDOWN", base::ErrorKind::kInvalid, "is a Redis Cluster, which isn't supported"},
    Meaning{"MOVED", base::ErrorKind::kInvalid, "is a Redis Cluster, which isn't supported"},
    Meaning{"ASK", base::ErrorKind::kInvalid, "is a Redis Cluster, which isn't supported"},
    Meaning{"CROSSSLOT", base::ErrorKind::kInvalid, "is a Redis Cluster, which isn't supported"},
    Meaning{"NOAUTH", base::ErrorKind::kDenied, "wants a password"},
    Meaning{"WRONGPASS", base::ErrorKind::kDenied, "refuses the user or the password"},
    Meaning{"NOPERM", base::ErrorKind::kDenied, "doesn't allow this user what is needed"},
    Meaning{"WRONGTYPE", base::ErrorKind::kInvalid, "has a foreign value under a key of ours"},
};

}  // namespace

bool ReplyView::IsError() const { return reply_->type == REDIS_REPLY_ERROR; }
bool ReplyView::IsNil() const { return reply_->type == REDIS_REPLY_NIL; }

std::optional<std::int64_t> ReplyView::Integer() const {
  if (reply_->type != REDIS_REPLY_INTEGER) return std::nullopt;
  return reply_->integer;
}

std::optional<std::string_view> ReplyView::Text() const {
  if (reply_->type != REDIS_REPLY_STRING && reply_->type != REDIS_REPLY_STATUS) return std::nullopt;
  return std::string_view(reply_->str, reply_->len);
}

std::optional<std::size_t> ReplyView::Size() const {
  if (reply_->type != REDIS_REPLY_ARRAY) return std::nullopt;
  return reply_->elements;
}

ReplyView ReplyView::At(std::size_t index) const {
  LLMBATCH_CHECK(index < Size().value_or(0));
  return ReplyView(reply_->element[index]);
}

std::string_view ReplyView::ErrorCode() const {
  if (!IsError()) return {};
  const std::string_view text(reply_->str, reply_->len);
  const auto is_no_capital = [](char c) { return c < 'A' || c > 'Z'; };
  const auto end = std::find_if(text.begin(), text.end(), is_no_capital);
  return text.substr(0, std::min(static_cast<std::size_t>(end - text.begin()), kMaxErrorCodeBytes));
}

void ReplyDeleter::operator()(redisReply* reply) const { freeReplyObject(reply); }

base::Error ErrorFrom(ReplyView reply, std::string_view server) {
  const std::string_view code = reply.ErrorCode();
  for (const Meaning& meaning : kMeanings) {
    if (meaning.code != code) continue;
    return base::MakeError(meaning.kind, std::string(server) + " " + std::string(meaning.text) +
                                             " (" + std::string(code) + ")");
  }
  return base::MakeError(base::ErrorKind::kInternal,
                         std::string(server) + " refused a command (" + std::string(code) + ")");
}

base::Error UnexpectedReply(std::string_view request, std::string_view server) {
  return base::MakeError(
      base::ErrorKind::kUnavailable,
      std::string(server) + " gave no sensible answer to " + std::string(request));
}

}  // namespace llmbatch::redis
