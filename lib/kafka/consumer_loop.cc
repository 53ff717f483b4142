#include "kafka/consumer_loop.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "kafka/errors.h"
#include "kafka/partition_list.h"
#include "kafka/records.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Duration kIdlePoll = seconds(1);
constexpr base::Duration kLagInterval = seconds(1);
constexpr base::Duration kEndOffsetsTimeout = milliseconds(100);
constexpr base::Duration kCommittedTimeout = seconds(5);
constexpr base::Duration kCommittedRetry = milliseconds(500);
constexpr base::Duration kFirstRebuildDelay = seconds(1);
constexpr base::Duration kMaxRebuildDelay = seconds(60);
// More in one go would save no wake-ups worth mentioning.
constexpr std::size_t kMaxGathered = 1000;
constexpr std::int64_t kMaxGatheredBytes = 1LL << 20;
constexpr auto kRoomCheck = milliseconds(2);
// After that one event gets through all the same, so that polling never stops.
constexpr auto kMaxRoomWait = milliseconds(100);

base::Timestamp SteadyNow() { return runtime::ReadClock().steady; }

base::Error Gone() { return base::MakeError(base::ErrorKind::kAborted, "the consumer has ended"); }

// While no coordinator is in reach, librdkafka keeps commits for a session timeout before it ends.
// Nobody has to wait for that.
void GiveUp(std::unique_ptr<GroupClient> client, std::shared_ptr<Reporter> reporter) {
  reporter->Mute();
  try {
    std::thread([kept = std::move(reporter), gone = std::move(client)]() mutable {
      gone.reset();
    }).detach();
  } catch (const std::system_error&) {
    // Then it ended here.
  }
}

}  // namespace

base::Result<std::unique_ptr<ConsumerLoop>> ConsumerLoop::Create(ConsumerOptions options,
                                                                 runtime::Inbox& inbox) {
  std::unique_ptr<ConsumerLoop> loop(new ConsumerLoop(std::move(options), inbox));
  auto client = GroupClient::Create(loop->options_, *loop->reporter_);
  if (!client) return client.error();
  loop->client_ = std::move(client).value();
  return loop;
}

ConsumerLoop::ConsumerLoop(ConsumerOptions options, runtime::Inbox& inbox)
    : options_(std::move(options)),
      inbox_(inbox),
      reporter_(std::make_shared<Reporter>(options_.connection.log, "consumer")),
      rebuild_delay_(kFirstRebuildDelay) {}

// ── from other threads ───────────────────────────────────────────────────────

void ConsumerLoop::Execute(std::vector<ConsumerCommand> commands) {
  if (commands.empty()) return;
  const std::lock_guard lock(mutex_);
  if (ended_) {
    for (const ConsumerCommand& command : commands) {
      const auto* commit = std::get_if<ports::CommitOffsets>(&command);
      if (commit != nullptr) inbox_.Post(ports::OffsetsCommitted{commit->commit, Gone()});
    }
    return;
  }
  if (handed_over_.empty()) client_->Wake();
  handed_over_.insert(handed_over_.end(), std::make_move_iterator(commands.begin()),
                      std::make_move_iterator(commands.end()));
}

void ConsumerLoop::RequestEnd() {
  const std::lock_guard lock(mutex_);
  end_requested_ = true;
  if (!ended_) client_->Wake();
}

std::vector<PartitionLag> ConsumerLoop::Lag() const {
  const std::lock_guard lock(mutex_);
  return lag_;
}

std::shared_ptr<const rd_kafka_consumer_group_metadata_s> ConsumerLoop::Membership(
    std::int64_t assignment) const {
  const std::lock_guard lock(mutex_);
  if (assignment != assignment_ || ended_) return nullptr;
  return client_->Membership();
}

// ── the loop ─────────────────────────────────────────────────────────────────

void ConsumerLoop::Run() {
  while (!finished_) {
    TakeCommands();
    Advance(SteadyNow());
    Post();
    if (!finished_) Gather();
    Post();
  }
  End();
}

void ConsumerLoop::Advance(base::Timestamp now) {
  pulse_.Progress(now);
  if (let_go_by_ && ((open_revokes_ == 0 && commits_.empty()) || now >= *let_go_by_)) LetGo();
  if (arriving_ && now >= arriving_->next_try) Arrive(now);
  if (rebuild_at_ && now >= *rebuild_at_) Rebuild(now);
  if (close_by_ && (client_->closed() || now >= *close_by_)) finished_ = true;
  if (now >= next_lag_) ReadLag(now);
}

void ConsumerLoop::ReadLag(base::Timestamp now) {
  next_lag_ = now + kLagInterval;
  AskForEnds(now);
  std::vector<PartitionLag> lag = client_->Lag(assigned_);
  for (PartitionLag& each : lag) {
    const auto end = paused_ends_.find(each.partition);
    if (end != paused_ends_.end()) each.high_watermark = std::max(each.high_watermark, end->second);
  }
  const std::lock_guard lock(mutex_);
  lag_ = std::move(lag);
}

// Polling waits for it, but so briefly and rarely that a thread of its own would be too much.
void ConsumerLoop::AskForEnds(base::Timestamp now) {
  if (paused_.empty()) return paused_ends_.clear();
  if (now < next_ends_ || close_by_ || rebuild_at_) return;
  next_ends_ = now + options_.end_offsets_interval;
  auto ends = client_->EndOffsets({paused_.begin(), paused_.end()}, kEndOffsetsTimeout);
  // What is wrong with brokers is told by other ways, and the next time isn't far.
  if (ends) paused_ends_ = std::move(ends).value();
}

base::Duration ConsumerLoop::TimeToNextDeadline(base::Timestamp now) const {
  base::Timestamp next = now + kIdlePoll;
  for (const auto& deadline : {let_go_by_, rebuild_at_, close_by_}) {
    if (deadline) next = std::min(next, *deadline);
  }
  if (arriving_) next = std::min(next, arriving_->next_try);
  // Rounded up to the next millisecond, or the last one would be spent spinning.
  return std::max(next - now, base::Duration(0)) + milliseconds(1);
}

void ConsumerLoop::End() {
  std::unique_ptr<GroupClient> client;
  std::vector<ConsumerCommand> late;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    client = std::move(client_);
    late = std::move(handed_over_);
    lag_.clear();
  }
  for (const ConsumerCommand& command : late) {
    const auto* commit = std::get_if<ports::CommitOffsets>(&command);
    if (commit != nullptr) Answer(commit->commit, Gone());
  }
  for (const model::CommitId commit : commits_) Answer(commit, Gone());
  if (close_by_) events_.emplace_back(ports::ConsumerStopped{});
  Post();
  // librdkafka waits for an answer to every rebalance before it ends.
  if (let_go_by_) client->GiveBack(leaving_);
  if (arriving_) client->Refuse();
  if (!client->closed()) GiveUp(std::move(client), reporter_);
}

// ── commands ─────────────────────────────────────────────────────────────────

void ConsumerLoop::TakeCommands() {
  std::vector<ConsumerCommand> commands;
  {
    const std::lock_guard lock(mutex_);
    if (end_requested_) finished_ = true;
    commands.swap(handed_over_);
  }
  for (ConsumerCommand& command : commands) {
    std::visit([this](auto& each) { Apply(each); }, command);
  }
}

void ConsumerLoop::Apply(ports::CommitOffsets& commit) {
  if (commit.offsets.empty()) return Answer(commit.commit, {});
  const bool owned = std::all_of(commit.offsets.begin(), commit.offsets.end(),
                                 [this](const auto& each) { return Owns(each.partition); });
  if (!owned || commit.assignment != CurrentAssignment()) {
    // The broker would take it, and set another owner's offset back.
    return Answer(commit.commit, base::MakeError(base::ErrorKind::kAborted,
                                                 "a partition to commit is not assigned any more"));
  }
  auto begun = client_->Commit(commit);
  if (!begun) return Answer(commit.commit, std::move(begun));
  commits_.insert(commit.commit);
}

void ConsumerLoop::Apply(ports::PausePartitions& pause) {
  std::erase_if(pause.partitions, [this](const model::TopicPartition& each) {
    return !Owns(each) || !paused_.insert(each).second;
  });
  if (!pause.partitions.empty()) client_->Pause(pause.partitions);
}

void ConsumerLoop::Apply(ports::ResumePartitions& resume) {
  // Resuming what is not paused may read records again.
  std::erase_if(resume.partitions,
                [this](const model::TopicPartition& each) { return paused_.erase(each) == 0; });
  if (!resume.partitions.empty()) client_->Resume(resume.partitions);
}

void ConsumerLoop::Apply(ports::RevokeDone& /*done*/) {
  if (open_revokes_ > 0) --open_revokes_;
}

void ConsumerLoop::Apply(ports::StopConsuming& /*stop*/) {
  if (close_by_) return;
  close_by_ = SteadyNow() + options_.close_timeout;
  if (arriving_) {
    arriving_.reset();
    client_->Refuse();
  }
  // A broken client has left the group already.
  if (rebuild_at_ || !client_->Close()) finished_ = true;
}

void ConsumerLoop::Answer(model::CommitId commit, base::Result<void> outcome) {
  events_.emplace_back(ports::OffsetsCommitted{.commit = commit, .outcome = std::move(outcome)});
}

// ── what librdkafka has for us ───────────────────────────────────────────────

void ConsumerLoop::Gather() {
  std::size_t room = WaitForRoom();
  EventHandle event = client_->Poll(room > 1 ? TimeToNextDeadline(SteadyNow()) : base::Duration(0));
  for (; event; event = client_->Poll(base::Duration(0))) {
    OnEvent(std::move(event));
    if (--room == 0 || gathered_bytes_ >= kMaxGatheredBytes) break;
    // A deadline or decision of ours may come of it.
    if (arriving_ || let_go_by_ || rebuild_at_) break;
  }
}

std::size_t ConsumerLoop::WaitForRoom() {
  for (auto waited = milliseconds(0); InboxIsFull(); waited += kRoomCheck) {
    if (waited >= kMaxRoomWait) return 1;
    std::this_thread::sleep_for(kRoomCheck);
  }
  return kMaxGathered;
}

bool ConsumerLoop::InboxIsFull() {
  const std::size_t size = inbox_.size();
  // The main loop takes everything at once.
  if (size < inbox_size_) unread_bytes_ = 0;
  inbox_size_ = size;
  return unread_bytes_ >= options_.max_unread_bytes;
}

void ConsumerLoop::Post() {
  inbox_size_ += events_.size();
  unread_bytes_ += std::exchange(gathered_bytes_, 0);
  inbox_.PostAll(std::exchange(events_, {}));
}

void ConsumerLoop::OnEvent(EventHandle event) {
  switch (rd_kafka_event_type(event.get())) {
    case RD_KAFKA_EVENT_FETCH:
      return OnMessages(std::move(event));
    case RD_KAFKA_EVENT_REBALANCE:
      return OnRebalance(std::move(event));
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
      return OnCommitResult(std::move(event));
    case RD_KAFKA_EVENT_ERROR:
      return OnError(std::move(event));
    default:
      return;
  }
}

void ConsumerLoop::OnMessages(EventHandle event) {
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event.get())) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      reporter_->ReportError(message->err, "a partition can't be read");
      continue;
    }
    ports::Record record = ToRecord(*message);
    // After PartitionsRevoked they are the next owner's.
    if (assigned_.empty() || IsLeaving(record.partition)) continue;
    gathered_bytes_ += SizeOf(record);
    events_.emplace_back(ports::RecordReceived{std::move(record)});
  }
}

void ConsumerLoop::OnCommitResult(EventHandle event) {
  const model::CommitId commit{
      reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event.get()))};
  if (commits_.erase(commit) == 0) return;
  // What is wrong with the metadata stands in the result alone, other things with the partition.
  int code = rd_kafka_event_error(event.get());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    code = FirstErrorOf(rd_kafka_event_topic_partition_list(event.get()));
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return Answer(commit, {});
  Answer(commit, ToError(code, "offsets can't be committed"));
}

void ConsumerLoop::OnError(EventHandle event) {
  const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get());
  const bool fatal = EndsItsClient(*event);
  reporter_->Report(fatal ? ports::LogLevel::kError : ports::LogLevel::kWarning, NameOf(code),
                    NameOf(code) + ": " + rd_kafka_event_error_string(event.get()));
  if (fatal) Break(SteadyNow());
}

// ── membership ───────────────────────────────────────────────────────────────

void ConsumerLoop::OnRebalance(EventHandle event) {
  std::vector<model::TopicPartition> names =
      NamesOf(rd_kafka_event_topic_partition_list(event.get()));
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    if (rebuild_at_) return client_->GiveBack(names);
    return BeginRevoke(client_->IsCooperative() ? std::move(names) : AllAssigned(),
                       client_->AssignmentLost());
  }
  if (rebuild_at_ || close_by_) return client_->Refuse();
  arriving_ = Arrival{.partitions = std::move(names), .next_try = SteadyNow()};
}

// Never begins at a guessed position: it would repeat or skip requests.
void ConsumerLoop::Arrive(base::Timestamp now) {
  auto committed = client_->ReadCommitted(arriving_->partitions, kCommittedTimeout);
  if (!committed) {
    reporter_->Report(ports::LogLevel::kWarning, "committed", committed.error().message);
    arriving_->next_try = now + kCommittedRetry;
    return;
  }
  arriving_.reset();
  auto taken = client_->Take(*committed);
  if (!taken) {
    reporter_->Report(ports::LogLevel::kError, "assign", taken.error().message);
    return client_->Refuse();
  }
  rebuild_delay_ = kFirstRebuildDelay;
  if (committed->empty()) return;
  for (const ports::AssignedPartition& each : *committed) {
    assigned_.push_back(
        {.partition = each.partition, .committed_offset = each.committed_offset, .metadata = {}});
  }
  // Posted before the next poll, so before any of their records.
  events_.emplace_back(ports::PartitionsAssigned{.partitions = std::move(committed).value(),
                                                 .assignment = NextAssignment()});
}

std::vector<model::TopicPartition> ConsumerLoop::AllAssigned() const {
  std::vector<model::TopicPartition> partitions;
  for (const ports::AssignedPartition& each : assigned_) partitions.push_back(each.partition);
  return partitions;
}

void ConsumerLoop::BeginRevoke(std::vector<model::TopicPartition> partitions, bool lost) {
  // What was given to us and is taken away before it was read is no news to the core.
  if (std::exchange(arriving_, {})) client_->Refuse();
  std::erase_if(partitions, [this](const auto& each) { return !Owns(each) || IsLeaving(each); });
  if (partitions.empty()) {
    if (!let_go_by_) client_->GiveBack({});
    return;
  }
  leaving_.insert(leaving_.end(), partitions.begin(), partitions.end());
  events_.emplace_back(ports::PartitionsRevoked{.partitions = std::move(partitions), .lost = lost});
  ++open_revokes_;
  if (!let_go_by_) let_go_by_ = SteadyNow() + options_.revoke_timeout;
}

std::int64_t ConsumerLoop::CurrentAssignment() const {
  const std::lock_guard lock(mutex_);
  return assignment_;
}

std::int64_t ConsumerLoop::NextAssignment() {
  const std::lock_guard lock(mutex_);
  return ++assignment_;
}

void ConsumerLoop::LetGo() {
  let_go_by_.reset();
  const std::int64_t assignment = NextAssignment();
  std::erase_if(assigned_, [this](const auto& each) { return IsLeaving(each.partition); });
  // librdkafka remembers a pause, and would not read the partition when it comes back to us.
  std::vector<model::TopicPartition> paused;
  for (const model::TopicPartition& each : leaving_) {
    if (paused_.erase(each) > 0) paused.push_back(each);
  }
  if (!paused.empty()) client_->Resume(paused);
  client_->GiveBack(std::exchange(leaving_, {}));
  // What stays goes on under the new number.
  if (!assigned_.empty())
    events_.emplace_back(ports::PartitionsAssigned{.partitions = {}, .assignment = assignment});
}

void ConsumerLoop::Break(base::Timestamp now) {
  if (rebuild_at_) return;
  pulse_.Broken();
  NextAssignment();
  arriving_.reset();
  if (!assigned_.empty()) BeginRevoke(AllAssigned(), /*lost=*/true);
  let_go_by_.reset();
  leaving_.clear();
  assigned_.clear();
  paused_.clear();
  for (const model::CommitId commit : std::exchange(commits_, {})) {
    Answer(commit, base::MakeError(base::ErrorKind::kAborted, "the consumer had to be replaced"));
  }
  rebuild_at_ = now + rebuild_delay_;
  rebuild_delay_ = std::min(rebuild_delay_ * 2, kMaxRebuildDelay);
  if (close_by_) finished_ = true;
}

void ConsumerLoop::Rebuild(base::Timestamp now) {
  auto fresh = GroupClient::Create(options_, *reporter_);
  if (!fresh) {
    reporter_->Report(ports::LogLevel::kError, "rebuild", fresh.error().message);
    rebuild_at_ = now + kMaxRebuildDelay;
    return;
  }
  std::unique_ptr<GroupClient> old;
  {
    const std::lock_guard lock(mutex_);
    old = std::exchange(client_, std::move(fresh).value());
  }
  rebuild_at_.reset();
  pulse_.Rebuilt();
}

bool ConsumerLoop::IsLeaving(const model::TopicPartition& partition) const {
  return std::find(leaving_.begin(), leaving_.end(), partition) != leaving_.end();
}

bool ConsumerLoop::Owns(const model::TopicPartition& partition) const {
  return std::any_of(assigned_.begin(), assigned_.end(), [&](const ports::AssignedPartition& each) {
    return each.partition == partition;
  });
}

}  // namespace llmbatch::kafka
