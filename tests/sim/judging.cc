// World, third part: what must hold, in every step and at the end.
#include <algorithm>
#include <iostream>
#include <utility>

#include "json/value.h"
#include "offsets/done_map.h"
#include "sim/world.h"

namespace llmbatch::sim {
namespace {

std::string HeaderOf(const ports::Message& record, std::string_view name) {
  for (const model::Header& header : record.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

}  // namespace

void World::Index() {
  for (; indexed_ < kafka_.written().size(); ++indexed_) {
    const ports::Message& message = *kafka_.written()[indexed_];
    const std::string id = HeaderOf(message, "llmbatch-id");
    if (message.topic == plan_.options.topics.progress) {
      IndexProgress(message, id);
      continue;
    }
    if (message.topic == plan_.options.topics.dead_letters) {
      const auto partition =
          static_cast<std::int32_t>(std::stol(HeaderOf(message, "dlq-partition")));
      Found& found = found_[{partition, std::stoll(HeaderOf(message, "dlq-offset"))}];
      if (!found.dead_letters.insert(id).second) ++found.repeats;
      continue;
    }
    const auto document = json::Document::Parse(message.value.value_or(""));
    if (!document) {
      Fail("a published result is not JSON");
      return;
    }
    const json::Value root = document->root();
    if (root.Find("kind")->AsString() == "job_result") {
      IndexFields(root);
      IndexUnits(root);
      // The record is found again by the job's id, which holds its number.
      for (const auto& [where, expectation] : expected_) {
        const auto& log = kafka_.log(where.first);
        const auto record = std::find_if(
            log.begin(), log.end(), [&](const auto& each) { return each.offset == where.second; });
        const std::string key = record->key.value_or("");
        const std::string_view job_id = root.Find("job_id")->AsString();
        if (!expectation.job || (key != job_id && "job-" + key != job_id)) continue;
        if (!found_[where].job_results.insert(id).second) ++found_[where].repeats;
        CheckMembers(root, expectation);
      }
      continue;
    }
    IndexAnswer(root);
    const json::Value origin = *root.Find("origin");
    const auto partition = static_cast<std::int32_t>(*origin.Find("partition")->AsInt64());
    Found& found = found_[{partition, *origin.Find("offset")->AsInt64()}];
    if (!found.item_results.insert(id).second) ++found.repeats;
  }
}

void World::IndexProgress(const ports::Message& message, const std::string& id) {
  const std::string& value = *message.value;
  const auto document = json::Document::Parse(value);
  if (!document) return Fail("a progress event is not JSON");
  const auto [known, first] = told_ids_.emplace(id, value);
  // Without Redis a job's story may begin anew.
  if (plan_.redis_fails()) return;
  if (!first) {
    if (known->second != value) Fail("a progress event was told again in other words");
    return;
  }
  const json::Value root = document->root();
  const std::string job(root.Find("job_id")->AsString());
  const std::string_view status = root.Find("status")->AsString();
  const std::int64_t sequence = *root.Find("sequence")->AsInt64();
  const Told told{.percent = static_cast<int>(*root.Find("percent")->AsInt64()),
                  .final = status != "processing",
                  .value = value};
  if (!told_[job].emplace(sequence, told).second)
    Fail("job " + job + " has two progress events " + std::to_string(sequence));
}

void World::IndexAnswer(json::Value result) {
  const auto job = result.Find("job_id");
  if (job) KeepAnswer(std::string(job->AsString()), result, "output");
}

void World::IndexFields(json::Value job_result) {
  if (job_result.Find("workflow")->AsString() != "fields") return;
  const std::string job(job_result.Find("job_id")->AsString());
  const json::Value fields = *job_result.Find("results");
  for (std::size_t i = 0; i < fields.size(); ++i) KeepAnswer(job, fields.At(i), "value");
}

void World::IndexUnits(json::Value job_result) {
  if (job_result.Find("workflow")->AsString() != "chain") return;
  const std::string job(job_result.Find("job_id")->AsString());
  std::string name = job.substr(std::string_view("job-").size());
  name.resize(std::min(name.find('~'), name.size()));
  const json::Value units = *job_result.Find("results");
  // All up to here. What was cut off is asked again by a retry, and may be had in one piece.
  bool answered = !provider_.was_cut_off(name);
  for (std::size_t i = 0; i < units.size(); ++i) {
    const json::Value unit = units.At(i);
    const std::string number = std::to_string(i + 1);
    if (unit.Find("unit")->ToJson() != number) Fail("the units of " + job + " are not in order");
    const bool ok = unit.Find("status")->AsString() == "ok";
    // What comes behind a failure may be planned in other batches when it is had in a retry.
    answered = answered && ok;
    if (!ok) continue;
    const std::string title(unit.Find("value")->Find("title")->AsString());
    if (!title.starts_with(name + "." + number + " ")) Fail(job + " has a unit in a wrong place");
    answers_[job].emplace(name + "." + number,
                          Answer{.ok = true, .stays = answered, .asked = false, .output = title});
  }
}

void World::KeepAnswer(const std::string& job, json::Value result, std::string_view member) {
  const auto output = result.Find(member);
  const bool ok = result.Find("status")->AsString() == "ok";
  answers_[job].emplace(result.Find("id")->AsString(),
                        Answer{.ok = ok,
                               .stays = ok,
                               .asked = result.Find("source")->AsString() == "generated",
                               .output = output ? output->ToJson() : std::string()});
}

void World::CheckRetries() {
  // What is lost, or was asked in other words, is asked again.
  if (plan_.redis_fails() || plan_.reloads > 0 || !zombies_.empty()) return;
  for (const auto& [id, retry] : retries_) {
    const auto& answers = answers_[id];
    // It could not have its items.
    if (retry.may_lack_items && answers.empty()) continue;
    for (const auto& [item, answer] : retry.known) {
      if (!answer.stays) continue;
      const auto again = answers.find(item);
      const bool same = again != answers.end() && again->second.ok && !again->second.asked &&
                        again->second.output == answer.output;
      if (!same) Fail("item " + item + " was answered, and " + id + " has no such answer");
    }
  }
}

void World::CheckMembers(json::Value result, const Expectation& expectation) {
  if (expectation.members == 0) return;
  const auto members = static_cast<std::size_t>(expectation.members);
  if (result.Find("results")->size() != members) {
    Fail("job " + std::string(result.Find("job_id")->AsString()) + " has " +
         std::to_string(result.Find("results")->size()) + " of " + std::to_string(members) +
         " items or units");
  }
}

void World::CheckProgress() {
  if (plan_.redis_fails()) return;
  for (const auto& [job, events] : told_) {
    std::int64_t sequence = 0;
    int percent = 0;
    for (const auto& [number, event] : events) {
      if (number != ++sequence) return Fail("the progress of " + job + " has a gap");
      if (event.percent < percent) Fail("the percentage of " + job + " went down");
      percent = event.percent;
      const bool last = sequence == static_cast<std::int64_t>(events.size());
      if (event.final != last) Fail(job + " has not exactly one final progress event, at its end");
    }
  }
}

bool World::IsFulfilled(std::int32_t partition, std::int64_t offset) {
  const auto expected = expected_.find({partition, offset});
  if (expected == expected_.end()) return true;
  const Found& found = found_[{partition, offset}];
  const Expectation& want = expected->second;
  if (want.dead_letter) return found.dead_letters.size() == 1;
  const auto told = static_cast<int>(found.item_results.size());
  const bool items = told == want.items || (want.may_lack_items && told < want.items);
  return items && (!want.job || found.job_results.size() == 1);
}

void World::CheckCommit(const ports::PartitionOffset& commit) {
  Index();
  const std::int32_t partition = commit.partition.partition;
  if (commit.offset < kafka_.committed(partition)) Fail("a commit went backwards");
  if (commit.metadata.size() > offsets::kMaxMetadataBytes) Fail("a done map is too long");
  const auto done = offsets::DecodeDoneMap(commit.offset, commit.metadata);
  if (!done) return Fail("the metadata of a commit is no done map");
  for (const ports::Record& record : kafka_.log(partition)) {
    const bool committed =
        record.offset < commit.offset ||
        std::any_of(done->begin(), done->end(), [&](const offsets::OffsetRange& range) {
          return range.begin <= record.offset && record.offset < range.end;
        });
    if (!committed || IsFulfilled(partition, record.offset)) continue;
    return Fail("record " + std::to_string(record.offset) + " of partition " +
                std::to_string(partition) + " was committed before it was answered");
  }
}

void World::CheckClaims(int incarnation, const ports::MarkSent& mark) {
  // While Redis is away calls go on without claims, and what it missed it can't tell later.
  // The answer of a replica that stood still comes when others have taken its work over.
  if (plan_.redis_fails() || !zombies_.empty()) return;
  for (const std::string& key : mark.keys) {
    if (!coordinator_.Claims(incarnation, key))
      Fail("an item was asked that has its outcome in the ledger, or that another replica claims");
    // A retry asks again what has failed, under a claim beside it.
    if (key.ends_with(":again") && coordinator_.HasAnswer(key.substr(0, key.find(':'))))
      Fail("an item was asked again that was answered");
  }
}

void World::CheckPools() {
  if (provider_.calls_started() == calls_checked_) return;
  calls_checked_ = provider_.calls_started();
  for (const auto& [pool, calls] : provider_.InFlightByPool(zombies_)) {
    const auto limit = pool_limits_.find(pool);
    if (limit != pool_limits_.end() && calls > limit->second)
      Fail("more calls in flight than permits of " + pool);
  }
}

void World::CheckStep() {
  // A zombie's calls run on while its permits go to others.
  std::int64_t of_zombies = 0;
  for (const int zombie : zombies_) of_zombies += provider_.InFlightOf(zombie);
  if (provider_.in_flight() - of_zombies > plan_.permit_limit)
    Fail("more calls in flight than permits");
  CheckPools();
  CheckBudget(false);
  // While Redis is away each replica begins its share anew.
  if (!plan_.redis_fails() && provider_.rate_passed()) Fail("a rate was passed");
  // What a replica was told just before it died, or while Redis was away, nobody else knows.
  if (!plan_.redis_fails() && plan_.kills() == 0 && plan_.freezes == 0 && provider_.hold_broken())
    Fail("a call was made while its provider had asked to wait");
  const model::Task& task = *plan_.options.catalog->tasks.at("label");
  if (provider_.highest_items() > task.max_batch_items)
    Fail("a batch had more than max_batch_items");
  if (provider_.route_broken()) Fail("an item was asked of another route than its job's");
  if (provider_.context_passed()) Fail("a batch was larger than its model's context");
  // Estimates keep to the bound; what the provider counts may be more where items differ from those
  // that the ratio was learnt from: here each is some letter many times, or words.
  if (provider_.highest_tokens() * 100 > task.max_batch_tokens * 115)
    Fail("a batch had " + std::to_string(provider_.highest_tokens()) + " of " +
         std::to_string(task.max_batch_tokens) + " tokens");
}

bool World::Done() {
  if (unwritten_ > 0 || !kafka_.AllCommitted()) return false;
  return std::all_of(replicas_.begin(), replicas_.end(), [](const auto& each) {
    const pipeline::Status status = each.second.core->GetStatus();
    return !status.stopping && status.requests == 0 && !status.unpublished &&
           status.permits_held == 0;
  });
}

void World::CheckBudget(bool settled) {
  const auto& cap = plan_.options.budgets.all.day;
  if (!cap) return;
  if (provider_.billed() > cap->nanos) Fail("calls cost more than the budget");
  // What a replica that died had reserved may be less than what its last calls cost.
  const std::int64_t used = coordinator_.BudgetUsed(budget_name_);
  if (settled && plan_.kills() == 0 && provider_.billed() > used) {
    Fail("calls cost " + std::to_string(provider_.billed()) + " and the budget knows of " +
         std::to_string(used));
  }
}

void World::CheckEnd() {
  CheckBudget(true);
  Index();
  CheckProgress();
  CheckRetries();
  for (const auto& [where, expectation] : expected_) {
    const Found& found = found_[where];
    if (!IsFulfilled(where.first, where.second)) {
      Fail("record " + std::to_string(where.second) + " of partition " +
           std::to_string(where.first) + " has " + std::to_string(found.item_results.size()) +
           " item results, " + std::to_string(found.job_results.size()) + " job results, " +
           std::to_string(found.dead_letters.size()) + " dead letters");
    }
    if (plan_.exactly_once && found.repeats > 0) {
      Fail("record " + std::to_string(where.second) + " of partition " +
           std::to_string(where.first) + " was answered more than once");
    }
  }
  for (const auto& [id, replica] : replicas_) {
    const pipeline::Status status = replica.core->GetStatus();
    if (options_.trace) {
      std::cerr << "replica " << id << " at the end: requests " << status.requests;
      for (const auto& [state, count] : status.calls) std::cerr << ", " << state << " " << count;
      for (const auto& [what, count] : status.waiting_for)
        std::cerr << ", for " << what << " " << count;
      std::cerr << "\n";
    }
    if (status.pending_bytes != 0 || status.jobs != 0 || status.permits_in_use != 0)
      Fail("something is still open");
  }
  // A replica that joins causes a rebalance.
  const bool interrupted = plan_.replicas > 1 ||
                           plan_.kills() + plan_.stops + plan_.rebalances + plan_.rebuilds +
                                   plan_.freezes + plan_.broker_outages >
                               0 ||
                           plan_.redis_fails();
  if (interrupted || provider_.had_faults()) return;
  // Another user and another version of the task have answers of their own. Those who waited for an
  // answer that a spent budget forbade ask for themselves.
  const bool is_shared = plan_.reloads == 0 && !plan_.options.budgets.all.day &&
                         !plan_.options.catalog->tasks.at("label")->isolate_tenants;
  for (const auto& [key, times] : provider_.answered()) {
    if (key.starts_with(kPopularKey) && !is_shared) continue;
    // A call that is given up may have been answered already.
    std::string name =
        key.substr(key.starts_with(kCounted) ? std::string_view(kCounted).size() : 0);
    name.resize(std::min(name.find('.'), name.size()));
    const int allowed = retries_.contains(RetryOf("job-" + name)) ? 2 : 1;
    if (times < 1 || times > allowed)
      Fail("item " + key + " was asked " + std::to_string(times) + " times without need");
  }
}

}  // namespace llmbatch::sim
