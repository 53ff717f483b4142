// The provider twin without its sockets: a request in, what to send and when out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "twin/behaviour.h"
#include "twin/journal.h"
#include "twin/limits.h"
#include "twin/planner.h"
#include "twin/wire_format.h"
#include "twin/workers.h"

namespace llmbatch::twin {

// What the server must do about one request.
struct Reply {
  std::uint64_t sequence = 0;
  base::Duration delay{};
  // kNone: send the answer whole. Else a wire fault, to be applied to this answer.
  FaultKind wire = FaultKind::kNone;
  int status = 200;
  Headers headers{};
  std::string body{};
};

// One thread; time is given and must not go back.
class Twin {
 public:
  Twin(Behaviour behaviour, std::uint64_t journal_max_requests, base::Timestamp now);

  // Takes a request that was read whole. Finished() must follow once. Names of headers are in lower
  // case.
  Reply Receive(std::string_view path, const Headers& headers, std::string_view body,
                base::Now now);
  // Whether Receive() looks at headers at all; else none need be given.
  bool needs_headers() const { return !planner_.behaviour().api_key.empty(); }
  // The answer was handed to the connection (or its fault was done), or the client went away
  // before.
  void Finished(std::uint64_t sequence, Delivery delivery, base::Timestamp now);
  void CountConnection() { journal_.CountConnection(); }

  // Behaves as at the start but for what the script says. Limits begin full. On error nothing
  // changes.
  base::Result<void> ApplyScript(std::string_view json, base::Timestamp now);
  // Behaves as at the start, with an empty journal.
  void Reset(base::Timestamp now);

  const Journal& journal() const { return journal_; }

 private:
  struct Draft;  // a reply in the making

  Draft Compose(const ModelRequest& request, const std::vector<Item>& items, base::Timestamp now);
  Draft ComposeAnswer(const ModelRequest& request, const std::vector<Item>& items,
                      const std::vector<std::string>& objects, std::uint64_t prompt_tokens,
                      Plan plan) const;
  Draft ComposeOverLimit(const OverLimit& over) const;
  Reply Issue(const WireFormat& format, std::string_view model, const std::vector<Item>& items,
              Draft draft, base::Now now);
  void Behave(Behaviour behaviour, base::Timestamp now);

  Behaviour at_start_;
  Planner planner_;
  Limiter limiter_;
  Workers workers_;
  Journal journal_;
};

}  // namespace llmbatch::twin
