#include "pipeline/retrieval.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "model/error_code.h"
#include "pipeline/observations.h"

namespace llmbatch::pipeline {
namespace {

model::ErrorCode CodeOf(base::ErrorKind kind) {
  switch (kind) {
    case base::ErrorKind::kTooLarge:
      return model::ErrorCode::kItemTooLarge;
    case base::ErrorKind::kDenied:
      return model::ErrorCode::kForbidden;
    default:
      return model::ErrorCode::kDocumentUnavailable;
  }
}

// What a driver brought that can be no document.
base::Result<std::string> Checked(base::Result<std::string> text, std::int64_t max_bytes) {
  if (!text) return text;
  if (static_cast<std::int64_t>(text->size()) > max_bytes) {
    return base::MakeError(base::ErrorKind::kTooLarge,
                           "has more than " + std::to_string(max_bytes) + " bytes");
  }
  if (text->empty()) return base::Invalid("is empty");
  if (!base::IsUtf8(*text)) return base::Invalid("is no text in UTF-8");
  return text;
}

}  // namespace

std::unique_ptr<Retrieval::Share> Retrieval::Begin(Wanted wanted) {
  const model::RequestId id = wanted.job;
  const std::size_t count = wanted.references.size();
  LLMBATCH_CHECK(count > 0);
  if (wanted.deadline) deadlines_.emplace(*wanted.deadline, id);
  waiting_.insert({.rank = -wanted.priority, .job = id});
  Job job;
  job.wanted = std::move(wanted);
  job.attempts.resize(count);
  job.over_from = count;
  jobs_.emplace(id, std::move(job));
  has_work_ = true;
  return std::make_unique<Share>(*this, id);
}

void Retrieval::End(model::RequestId id) {
  const auto node = jobs_.extract(id);
  LLMBATCH_CHECK(!node.empty());
  const Job& job = node.mapped();
  held_bytes_ -= job.reserved;
  waiting_.erase({.rank = -job.wanted.priority, .job = id});
  std::erase_if(ready_, [id](const Place& place) { return place.job == id; });
  std::erase_if(later_, [id](const auto& each) { return each.second.job == id; });
  if (job.wanted.deadline) deadlines_.erase({*job.wanted.deadline, id});
  moved_.erase(id);
  has_work_ = true;
}

void Retrieval::Advance(base::Now now, ports::Commands& out) {
  has_work_ = false;
  ExpireJobs(now.wall);
  Admit();
  while (!later_.empty() && later_.begin()->first <= now.steady)
    ready_.insert(later_.extract(later_.begin()).mapped());
  while (!ready_.empty() && static_cast<std::int64_t>(under_way_.size()) < limits_.max_parallel)
    Fetch(ready_.extract(ready_.begin()).value(), out);
}

// In order: a job that wants much isn't passed by for ever by those that want little.
void Retrieval::Admit() {
  while (!waiting_.empty()) {
    Job& job = jobs_.at(waiting_.begin()->job);
    const auto count = static_cast<std::int64_t>(job.wanted.references.size());
    const std::int64_t needed = std::min(count * limits_.max_bytes, limits_.max_job_bytes);
    const bool alone = held_bytes_ == 0;
    if (!alone && held_bytes_ + needed > limits_.max_held_bytes) return;
    job.reserved = needed;
    held_bytes_ += needed;
    waiting_.erase(waiting_.begin());
    Extend(job);
  }
}

void Retrieval::ExpireJobs(base::WallTime now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const model::RequestId id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    Job& job = jobs_.at(id);
    job.overdue = true;
    waiting_.erase({.rank = -job.wanted.priority, .job = id});
    moved_.insert(id);
  }
}

void Retrieval::Extend(Job& job) {
  const std::size_t end =
      std::min(job.over_from, job.taken + static_cast<std::size_t>(limits_.max_parallel));
  for (; job.begun < end; ++job.begun) {
    ready_.insert({.rank = -job.wanted.priority, .job = job.wanted.job, .reference = job.begun});
    has_work_ = true;
  }
}

void Retrieval::Fetch(const Place& place, ports::Commands& out) {
  Job& job = jobs_.at(place.job);
  if (job.overdue || place.reference >= job.over_from) return;
  ++job.attempts[place.reference];
  const model::FetchId id = ids_.Next();
  under_way_.emplace(id, place);
  out.emplace_back(ports::FetchDocument{.fetch = id,
                                        .place = job.wanted.references[place.reference].place,
                                        .user_id = job.wanted.user_id,
                                        .max_bytes = limits_.max_bytes});
}

void Retrieval::On(ports::DocumentFetched& event, base::Timestamp now, base::Rng& rng,
                   ports::Commands& out) {
  const auto node = under_way_.extract(event.fetch);
  if (node.empty()) return;
  has_work_ = true;
  const Place place = node.mapped();
  const auto found = jobs_.find(place.job);
  if (found == jobs_.end() || found->second.overdue) return;
  Job& job = found->second;
  if (place.reference >= job.over_from) return;
  const workflows::Reference& reference = job.wanted.references[place.reference];
  auto text = Checked(std::move(event.text), limits_.max_bytes);
  const int attempts = job.attempts[place.reference];
  const bool again = !text && text.error().retryable() && attempts < limits_.max_attempts;
  out.emplace_back(
      Observed(ports::Metric::kDocuments, 1,
               {std::string(model::ToString(reference.place.store)), text    ? "ok"
                                                                     : again ? "retried"
                                                                             : "failed"}));
  if (again) {
    later_.emplace(now + text.error().retry_after.value_or(NextDelay(backoff_, attempts, rng)),
                   place);
    return;
  }
  if (text) {
    Arrive(job, place.reference, std::move(text).value());
  } else {
    const base::Error& error = text.error();
    job.arrived.emplace(place.reference,
                        Failure(job, place.reference, CodeOf(error.kind), error.message));
  }
  moved_.insert(place.job);
}

void Retrieval::Arrive(Job& job, std::size_t reference, std::string text) {
  job.bytes += static_cast<std::int64_t>(text.size());
  job.arrived.emplace(reference, workflows::Fetched{.text = std::move(text)});
  CutOff(job);
}

// All up to the last one that is there are too many bytes; so that one is beyond the bound, in
// whatever order they came.
void Retrieval::CutOff(Job& job) {
  while (job.bytes > limits_.max_job_bytes && !job.arrived.empty()) {
    const auto last = std::prev(job.arrived.end());
    job.bytes -= static_cast<std::int64_t>(last->second.text.size());
    job.over_from = std::min(job.over_from, last->first);
    job.arrived.erase(last);
  }
}

workflows::Fetched Retrieval::Failure(const Job& job, std::size_t reference, model::ErrorCode code,
                                      std::string_view why) {
  const workflows::Reference& about = job.wanted.references[reference];
  const std::string name =
      about.document_id.empty() ? "" : "document \"" + about.document_id + "\": ";
  return {.text = {},
          .error = model::ItemError{.code = code,
                                    .message = about.field + ": " + name + std::string(why),
                                    .retryable = model::IsRetryable(code),
                                    .attempts = job.attempts[reference]}};
}

std::optional<workflows::Fetched> Retrieval::TakeNext(Job& job) {
  const std::size_t next = job.taken;
  if (next == job.wanted.references.size()) return std::nullopt;
  if (auto node = job.arrived.extract(next)) return std::move(node.mapped());
  if (next >= job.over_from) {
    return Failure(
        job, next, model::ErrorCode::kItemTooLarge,
        "with those before it, more than " + std::to_string(limits_.max_job_bytes) + " bytes");
  }
  if (job.overdue) {
    return Failure(job, next, model::ErrorCode::kDeadlineExceeded,
                   "not fetched before the job's deadline");
  }
  return std::nullopt;
}

std::vector<Retrieval::Arrival> Retrieval::TakeArrivals() {
  std::vector<Arrival> arrivals;
  for (const model::RequestId id : std::exchange(moved_, {})) {
    Job& job = jobs_.at(id);
    while (auto fetched = TakeNext(job))
      arrivals.push_back({.job = id, .reference = job.taken++, .fetched = *std::move(fetched)});
    Extend(job);
    if (job.taken < job.wanted.references.size()) continue;
    const std::int64_t unused = job.reserved - job.bytes;
    job.reserved -= unused;
    held_bytes_ -= unused;
    if (job.wanted.deadline) deadlines_.erase({*job.wanted.deadline, id});
    has_work_ = true;
  }
  return arrivals;
}

std::optional<base::Timestamp> Retrieval::Deadline(base::Timestamp now) const {
  if (has_work_) return now;
  if (later_.empty()) return std::nullopt;
  return later_.begin()->first;
}

}  // namespace llmbatch::pipeline
