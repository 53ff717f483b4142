// Retrieval: fetches the documents that jobs name by reference: few at a time, again after
// failures, and never more than may be held.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "admission/backoff.h"
#include "base/id.h"
#include "base/rng.h"
#include "base/time.h"
#include "model/ids.h"
#include "pipeline/options.h"
#include "ports/commands.h"
#include "ports/document.h"
#include "workflows/workflow.h"

namespace llmbatch::pipeline {

// Belongs to one thread.
class Retrieval {
 public:
  Retrieval(const DocumentLimits& limits, admission::BackoffOptions backoff)
      : limits_(limits), backoff_(backoff) {}
  Retrieval(const Retrieval&) = delete;
  Retrieval& operator=(const Retrieval&) = delete;

  // A job's share of the bytes that may be held, until the end of this; then nothing more is
  // fetched for it, either. Must not outlive the Retrieval.
  class Share {
   public:
    Share(Retrieval& retrieval, model::RequestId job) : retrieval_(retrieval), job_(job) {}
    ~Share() { retrieval_.End(job_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    Retrieval& retrieval_;
    model::RequestId job_;
  };

  struct Wanted {
    model::RequestId job;
    int priority = 0;
    std::string user_id;
    std::optional<base::WallTime> deadline;
    std::vector<workflows::Reference> references;  // not empty
  };
  [[nodiscard]] std::unique_ptr<Share> Begin(Wanted wanted);
  void On(ports::DocumentFetched& event, base::Timestamp now, base::Rng& rng, ports::Commands& out);
  // Asks for what there is room for.
  void Advance(base::Now now, ports::Commands& out);

  struct Arrival {
    model::RequestId job;
    std::size_t reference = 0;
    workflows::Fetched fetched;
  };
  // What is there now that was not taken before; of each job in the order of its references.
  std::vector<Arrival> TakeArrivals();
  // When Advance() has something to do, if no event comes before.
  std::optional<base::Timestamp> Deadline(base::Timestamp now) const;
  std::int64_t held_bytes() const { return held_bytes_; }

 private:
  // The more urgent first.
  struct Place {
    int rank = 0;
    model::RequestId job;
    std::size_t reference = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Job {
    Wanted wanted;
    std::vector<int> attempts;                          // by reference
    std::map<std::size_t, workflows::Fetched> arrived;  // and not taken yet
    std::size_t begun = 0;                              // references that were ever asked for
    std::size_t taken = 0;
    std::size_t over_from = 0;  // from this one on they are too many bytes together
    std::int64_t bytes = 0;     // of texts that are there or were taken
    std::int64_t reserved = 0;
    bool overdue = false;
  };

  void End(model::RequestId job);
  void Admit();
  void ExpireJobs(base::WallTime now);
  // Those that come next, as far ahead of what was taken as may be.
  void Extend(Job& job);
  void Fetch(const Place& place, ports::Commands& out);
  void Arrive(Job& job, std::size_t reference, std::string text);
  // Keeps the bytes of a job within their bound.
  void CutOff(Job& job);
  std::optional<workflows::Fetched> TakeNext(Job& job);
  static workflows::Fetched Failure(const Job& job, std::size_t reference, model::ErrorCode code,
                                    std::string_view why);

  DocumentLimits limits_;
  admission::BackoffOptions backoff_;
  base::IdSequence<model::FetchId> ids_;
  std::map<model::RequestId, Job> jobs_;
  std::set<Place> waiting_;  // jobs for whose bytes there is no room; the reference means nothing
  std::set<Place> ready_;
  std::multimap<base::Timestamp, Place> later_;
  std::map<model::FetchId, Place> under_way_;
  std::set<std::pair<base::WallTime, model::RequestId>> deadlines_;  // of jobs that lack something
  std::set<model::RequestId> moved_;  // jobs that may have something to take
  std::int64_t held_bytes_ = 0;       // reserved by jobs
  bool has_work_ = false;
};

}  // namespace llmbatch::pipeline
