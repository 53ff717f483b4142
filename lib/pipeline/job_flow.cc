// Pipeline, the part of jobs: from a job's message to steps, and from their outcomes to its result.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "ledger/fingerprint.h"
#include "pipeline/observations.h"
#include "pipeline/pipeline.h"
#include "workflows/registry.h"

namespace llmbatch::pipeline {

void Pipeline::AcceptJob(model::Job job, const JobMessage& message) {
  const ports::Record& record = *message.record;
  const model::Origin origin{.partition = record.partition, .offset = record.offset, .index = {}};
  OpenJob open{.envelope = message.envelope,
               .message = message.record,
               .refusals = message.refusals,
               .identity = job.retry_of.empty() ? message.identity : model::ToString(origin),
               .steps_identity = message.identity,
               .origin = origin,
               .head = {},
               .items = static_cast<std::int64_t>(job.items.size()) + job.item_count,
               .workflow = nullptr,
               .recipe = nullptr,
               .step_recipes = {},
               .cap = nullptr,
               .collection = {},
               .batches = {},
               .kept_end = {},
               .message_hash = ledger::Sha256Hex(record.value.value_or(std::string())),
               .content = {},
               .waiting = {}};
  if (const auto conflict = jobs_.FindConflict(job, open.message_hash)) {
    switch (*conflict) {
      case jobs::JobTable::Conflict::kSame:
        partitions_.Acknowledge(message.envelope->record);
        return;
      case jobs::JobTable::Conflict::kOtherContent:
        RefuseJob(job, open, model::ErrorCode::kInvalidMessage,
                  "there is a job with this job_id and other content");
        return;
      case jobs::JobTable::Conflict::kOtherUser:
        RefuseJob(job, open, model::ErrorCode::kForbidden,
                  "the job_id belongs to a job of another user");
        return;
    }
  }
  if (!options_.catalog->tasks.contains(job.task)) {
    RefuseJob(job, open, model::ErrorCode::kUnknownTask, "no such task is configured");
    return;
  }
  if (auto chosen = ChooseRecipes(job, open); !chosen)
    return RefuseJob(job, open, model::ErrorCode::kInvalidMessage, chosen.error().message);
  const model::Task& task = open.recipe->task();
  if (workflows::IsKnown(job.workflow) && job.workflow != task.workflow) {
    RefuseJob(job, open, model::ErrorCode::kInvalidMessage, "the task is for another workflow");
    return;
  }
  if (!job.input_json.empty()) open.content = ledger::Sha256Hex(job.input_json);
  // Not calibrated: a job that is run again is split in the same places.
  const Lane& lane = open.recipe->lanes().front();
  const std::int64_t room =
      std::min(task.max_batch_tokens, lane.PromptRoom(task)) - lane.planner.fixed_tokens();
  auto made = workflows::Make(job, task, room);
  if (const auto* malformed = std::get_if<wire::Malformed>(&made)) {
    DeadLetter(record, message.envelope->record, wire::ToString(malformed->reason),
               malformed->detail);
    return;
  }
  open.workflow = std::get<std::unique_ptr<workflows::Workflow>>(std::move(made));
  if (const std::int64_t awaited = open.workflow->awaited_items(); awaited > 0) {
    if (message.envelope->key != job.job_id) {
      return RefuseJob(job, open, model::ErrorCode::kInvalidMessage,
                       "a job whose items follow must have its job_id as its key");
    }
    open.collection = Collection{
        .awaited = static_cast<std::size_t>(awaited),
        .items = {},
        .last_moved = now_.steady,
        .lost = message.refusals > 0 || partitions_.WasReadBefore(record.partition, record.offset),
        .to_keep = {}};
  }
  if (job.max_cost) open.cap = std::make_shared<admission::CostCap>(*job.max_cost);
  open.head = std::move(job);
  open.head.items.clear();
  open.head.input_json.clear();
  const model::RequestId id = request_ids_.Next();
  const OpenJob& kept = open_jobs_.emplace(id, std::move(open)).first->second;
  jobs_.Begin(id, kept.head, kept.message_hash, kept.workflow->standing(), now_);
  TakeJob(id);
}

base::Result<void> Pipeline::ChooseRecipes(const model::Job& job, OpenJob& open) {
  auto recipe = RecipeFor({.task = job.task, .route = job.model_selection});
  if (!recipe) return recipe.error();
  open.recipe = *std::move(recipe);
  for (const auto& [kind, other] : open.recipe->task().steps) {
    auto for_kind = RecipeFor({.task = other, .route = job.model_selection});
    if (!for_kind) return for_kind.error();
    open.step_recipes.emplace(kind, *std::move(for_kind));
  }
  return {};
}

base::Result<std::shared_ptr<Recipe>> Pipeline::RecipeFor(const RecipeName& name) {
  const auto found = recipes_.find(name);
  if (found != recipes_.end()) return found->second;
  auto selected = Recipe::BuildSelected(name, *options_.catalog, options_.bpe);
  if (!selected) {
    return base::Invalid("model_selection: route \"" + name.route +
                         "\": " + selected.error().message);
  }
  recipes_.emplace(name, *selected);
  ratios_.OnRecipes();
  return *std::move(selected);
}

void Pipeline::TakeJob(model::RequestId id) {
  const OpenJob& job = open_jobs_.at(id);
  const ports::Record& record = *job.message;
  const model::JobRecordId take = job_record_ids_.Next();
  job_takes_.emplace(take, id);
  Emit(ports::TakeJobRecord{.take = take,
                            .job_id = job.head.job_id,
                            .user_id = job.head.user_id,
                            .workflow = job.head.workflow,
                            .task = job.head.task,
                            .priority = job.head.priority,
                            .content = job.message_hash,
                            .request = record.value.value_or(std::string()),
                            .topic = record.partition.topic,
                            .identity = job.steps_identity,
                            .retry_of = job.head.retry_of,
                            .now = now_.wall,
                            .ttl = options_.job_ttl});
}

void Pipeline::StartJob(model::RequestId id, const std::vector<ports::JobPart>& members) {
  OpenJob& job = open_jobs_.at(id);
  job.started = true;
  workflows::Steps steps = job.workflow->Begin();
  if (job.collection) {
    job.collection->last_moved = now_.steady;
    TakeMembers(id, members);
  }
  if (auto progress = jobs_.Start(id, job.workflow->standing(), now_))
    KeepAndPublish(id, *progress, {});
  FetchDocuments(id);
  AskSteps(id, std::move(steps));
  CollectWaiting(id);
  if (job.workflow->done()) EndJob(id);
}

void Pipeline::FetchDocuments(model::RequestId id) {
  OpenJob& job = open_jobs_.at(id);
  auto references = job.workflow->references();
  if (references.empty()) return;
  job.document_hashes.resize(references.size());
  job.documents = retrieval_.Begin({.job = id,
                                    .priority = job.head.priority,
                                    .user_id = job.head.user_id,
                                    .deadline = job.head.deadline,
                                    .references = std::move(references)});
}

void Pipeline::On(ports::DocumentFetched& event) { retrieval_.On(event, now_.steady, rng_, out_); }

void Pipeline::TakeDocuments() {
  if (phase_ != Phase::kRunning) return;
  retrieval_.Advance(now_, out_);
  for (Retrieval::Arrival& arrival : retrieval_.TakeArrivals()) {
    const auto found = open_jobs_.find(arrival.job);
    if (found == open_jobs_.end() || found->second.cancelled || found->second.ending) continue;
    OpenJob& job = found->second;
    job.document_hashes[arrival.reference] = ledger::Sha256Hex(arrival.fetched.text);
    AskSteps(arrival.job, job.workflow->OnFetched(arrival.reference, std::move(arrival.fetched)));
    if (job.kept_end) {
      if (job.open_steps == 0) PublishKeptEnd(arrival.job);
    } else if (job.workflow->done()) {
      EndJob(arrival.job);
    } else if (auto progress = jobs_.Advance(arrival.job, job.workflow->standing(), now_)) {
      KeepAndPublish(arrival.job, *progress, {});
    }
  }
}

// A prompt that is made from earlier answers may read differently when the job is run again: what
// the job was asked stands for it, with the documents that it found elsewhere.
std::string Pipeline::LedgerKeyOf(const OpenJob& job, const workflows::Step& step,
                                  const Recipe& recipe) {
  if (job.content.empty())
    return ledger::ReplayKey(job.steps_identity, step.path, recipe.version(), step.input);
  model::ItemInput told{.kind = model::ItemInput::Kind::kText, .value = job.content};
  for (const std::size_t reference : step.references)
    told.value += job.document_hashes.at(reference);
  return ledger::ReplayKey(job.steps_identity, step.path, recipe.version(), told);
}

void Pipeline::RefuseJob(const model::Job& job, const OpenJob& open, model::ErrorCode code,
                         std::string message) {
  model::JobResult result;
  result.job_id = job.job_id;
  result.workflow = job.workflow;
  result.task = job.task;
  result.user_id = job.user_id;
  result.status = model::JobStatus::kFailed;
  result.items.total = result.items.failed = open.items;
  result.cost = model::NanoUsd{};
  result.error = model::ErrorOf(code, std::move(message));
  result.retry_of = job.retry_of;
  PublishJobResult(open.envelope->record, JobResultMessages(open, EncodeResult(result)));
}

void Pipeline::AskSteps(model::RequestId job, workflows::Steps steps) {
  OpenJob& open = open_jobs_.at(job);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    workflows::Step& step = steps[i];
    const std::string index = std::to_string(open.steps);
    const std::shared_ptr<Recipe>& recipe =
        step.kind.empty() ? open.recipe : open.step_recipes.at(step.kind);
    Request request;
    request.id = request_ids_.Next();
    request.ledger_key = LedgerKeyOf(open, step, *recipe);
    request.item = model::Item{.id = std::move(step.id),
                               .task = recipe->task().name,
                               .input = std::move(step.input),
                               .user_id = open.head.user_id,
                               .job_id = open.head.job_id,
                               .priority = open.head.priority,
                               .deadline = open.head.deadline,
                               .real_time = open.workflow->real_time(),
                               .metadata_json = std::move(step.metadata_json)};
    request.origin = open.origin;
    request.origin.index = static_cast<std::int32_t>(open.steps);
    request.identity = open.identity + "#" + index;
    request.envelope = open.envelope;
    request.job = JobMembership{
        .job = job, .step = open.steps, .last = i + 1 == steps.size(), .cap = open.cap};
    request.recipe = recipe;
    request.arrived = now_.steady;
    request.alone = step.alone;
    request.history = std::move(step.history);
    request.company = std::move(step.company);
    request.content_key = ContentKeyOf(request);
    ++open.steps;
    ++open.open_steps;
    Begin(std::move(request));
  }
}

bool Pipeline::EnterJob(Request& request) {
  const auto found = open_jobs_.find(request.job->job);
  if (found == open_jobs_.end() || request.job->running) return true;
  OpenJob& job = found->second;
  const std::int64_t bound = job.workflow->max_parallel();
  if (bound > 0 && job.running >= bound) {
    job.waiting.push_back(request.id);
    return false;
  }
  ++job.running;
  request.job->running = true;
  return true;
}

void Pipeline::LeaveJob(Request& request) {
  if (!request.job->running) return;
  request.job->running = false;
  const auto found = open_jobs_.find(request.job->job);
  if (found == open_jobs_.end()) return;
  --found->second.running;
  if (!found->second.waiting.empty()) to_resume_.push_back(found->first);
}

void Pipeline::ResumeJobs() {
  for (const model::RequestId id : std::exchange(to_resume_, {})) {
    const auto found = open_jobs_.find(id);
    if (found == open_jobs_.end()) continue;
    OpenJob& job = found->second;
    const std::int64_t room = job.workflow->max_parallel() - job.running;
    for (std::int64_t i = 0; i < room && !job.waiting.empty(); ++i) {
      const model::RequestId step = job.waiting.front();
      job.waiting.pop_front();
      if (requests_.contains(step)) OnMiss(step);
      // Its last step may have ended the job.
      if (!open_jobs_.contains(id)) break;
    }
  }
}

void Pipeline::NoteBatches() {
  for (const jobs::BatchNews& news : calls_.TakeBatchNews()) {
    std::set<model::RequestId> concerned;
    for (const auto& member : news.members) concerned.insert(member.job);
    for (const model::RequestId id : concerned) {
      const auto job = open_jobs_.find(id);
      // Only of jobs that are nothing but their items.
      if (job == open_jobs_.end() || !job->second.workflow->publishes_steps()) continue;
      job->second.batches.Apply(id, news, now_.wall);
    }
  }
}

void Pipeline::OnStepResult(model::RequestId job, std::size_t step, model::ItemResult result) {
  OpenJob& open = open_jobs_.at(job);
  --open.open_steps;
  jobs_.Book(job, result.outcome);
  if (open.workflow->publishes_steps()) open.batches.Apply(result.id, result.outcome);
  const auto& error = result.outcome.error;
  const bool given_up = error && error->code == model::ErrorCode::kCancelled;
  workflows::Steps next = open.workflow->OnOutcome(step, std::move(result));
  if (open.kept_end) {
    if (!given_up) AskSteps(job, std::move(next));
    if (open.open_steps == 0) PublishKeptEnd(job);
    return;
  }
  if (open.cancelled) {
    // While its steps are being given up, whoever does so ends it.
    if (open.open_steps == 0) EndJob(job);
    return;
  }
  AskSteps(job, std::move(next));
  if (open.collection) open.collection->last_moved = now_.steady;
  const bool closed = open.collection && open.collection->closed && open.open_steps == 0;
  if (open.workflow->done() || closed) return EndJob(job);
  if (auto progress = jobs_.Advance(job, open.workflow->standing(), now_))
    KeepAndPublish(job, *progress, {});
}

model::ItemError Pipeline::WhyUnfinished(const OpenJob& job) {
  if (job.cancelled) {
    return {.code = model::ErrorCode::kCancelled,
            .message = "the job was cancelled",
            .retryable = false,
            .attempts = 0};
  }
  if (job.collection && job.collection->closed) return WhyItemsAreMissing(*job.collection);
  return {.code = model::ErrorCode::kInternal,
          .message = "the job ended before this was asked",
          .retryable = true,
          .attempts = 0};
}

void Pipeline::EndJob(model::RequestId job) {
  OpenJob& open = open_jobs_.at(job);
  // The last event comes after the one before it.
  open.ending = true;
  if (jobs_.IsTelling(job)) return;
  jobs::Standing standing = open.workflow->standing();
  if (!open.cancelled && jobs_.HasUntoldStages(job, standing)) {
    if (const auto progress = jobs_.Advance(job, standing, now_))
      KeepAndPublish(job, *progress, {});
    return;
  }
  const model::ItemError unfinished = WhyUnfinished(open);
  jobs::Ending ending = open.workflow->End(jobs_.TotalsOf(job, now_), unfinished);
  if (open.cancelled) {
    standing.percent = open.percent_at_cancel;
    ending.partial = standing.items.failed < standing.items.done;
    ending.status = model::JobStatus::kCancelled;
    ending.error = unfinished;
  }
  if (unfinished.code == model::ErrorCode::kJobStateLost) {
    ending.partial = standing.items.failed < standing.items.done;
    ending.status = model::JobStatus::kFailed;
  }
  jobs::FinalReport report = jobs_.End(job, standing, std::move(ending), now_);
  report.result.retry_of = open.head.retry_of;
  open.batches.CloseOpen(now_.wall);
  KeepAndPublish(job, report.progress, EncodeResult(report.result));
  open_jobs_.erase(job);
}

}  // namespace llmbatch::pipeline
