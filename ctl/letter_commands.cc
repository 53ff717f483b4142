#include "ctl/letter_commands.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <utility>

#include "base/check.h"
#include "ctl/text.h"
#include "json/writer.h"
#include "wire/dead_letter.h"

namespace llmbatch::ctl {
namespace {

constexpr std::size_t kMaxOpen = 500;
constexpr std::int64_t kMaxOpenBytes = 16LL << 20;

struct Found {
  std::vector<Letter> letters;
  std::size_t left_out = 0;
};

base::Result<Found> FindLetters(const Session& session, const LetterFilter& filter,
                                std::size_t max_letters) {
  auto reader = MakeReader(session);
  if (!reader) return reader.error();
  const auto ranges = (*reader)->Ranges(session.config.kafka.dead_letters, session.deadline);
  if (!ranges) return ranges.error();
  const auto begun = (*reader)->Begin(*ranges, kafka::ReadUntil::kEnd);
  if (!begun) return begun.error();

  Sources sources(session.config.kafka);
  OldestLetters oldest(max_letters);
  while (true) {
    const auto record = (*reader)->Next(session.deadline);
    if (!record) return record.error();
    if (!*record) break;
    Letter letter = Describe(**record, sources);
    if (Matches(letter, filter)) oldest.Add(std::move(letter));
  }
  Found found;
  found.left_out = oldest.left_out();
  found.letters = oldest.Take();
  return found;
}

base::Result<ports::Record> ReadLetter(const Session& session, Place place) {
  auto reader = MakeReader(session);
  if (!reader) return reader.error();
  const std::string& topic = session.config.kafka.dead_letters;
  const base::Error missing = base::MakeError(
      base::ErrorKind::kNotFound, "topic '" + topic + "' has no letter at " + ToString(place));
  const auto ranges = (*reader)->Ranges(topic, session.deadline);
  if (!ranges) return ranges.error();
  const bool within = std::any_of(ranges->begin(), ranges->end(), [&](const auto& range) {
    return range.partition.partition == place.partition && range.begin <= place.offset &&
           place.offset < range.end;
  });
  if (!within) return missing;
  const auto begun = (*reader)->Begin({{.partition = {.topic = topic, .partition = place.partition},
                                        .begin = place.offset,
                                        .end = place.offset + 1}},
                                      kafka::ReadUntil::kEnd);
  if (!begun) return begun.error();
  auto record = (*reader)->Next(session.deadline);
  if (!record) return record.error();
  if (!*record || (*record)->offset != place.offset) return missing;
  return **std::move(record);
}

void TellLeftOut(std::size_t left_out) {
  if (left_out == 0) return;
  Complain(std::to_string(left_out) + " more match; see --limit, --since and --until");
}

// Ends a replay: what was published, what not.
class ReplayRun {
 public:
  ReplayRun(const Session& session, std::vector<Letter> letters) : session_(session) {
    for (Letter& letter : letters) {
      const Place place = letter.place;
      letters_.emplace(place, std::move(letter));
    }
  }

  void TellObstacles() {
    for (auto letter = letters_.begin(); letter != letters_.end();) {
      if (letter->second.obstacle.empty()) {
        ++letter;
        continue;
      }
      Tell(letter->second, "refused", letter->second.obstacle);
      ++refused_;
      letter = letters_.erase(letter);
    }
  }

  std::size_t size() const { return letters_.size(); }

  void TellWhatWouldBe() {
    for (const auto& [place, letter] : letters_) Tell(letter, "would_replay", "");
    Complain(std::to_string(letters_.size()) + " would be replayed, " + std::to_string(refused_) +
             " can't be");
  }

  // The letters are read a second time, since their values were not kept.
  base::Result<void> Publish() {
    auto reader = MakeReader(session_);
    if (!reader) return reader.error();
    auto publisher = PatientPublisher::Make(session_);
    if (!publisher) return publisher.error();
    const auto begun = (*reader)->Begin(Ranges(), kafka::ReadUntil::kEnd);
    if (!begun) return begun.error();
    base::Result<void> outcome = ReadAndSend(**reader, **publisher);
    Note((*publisher)->WaitFor(0));
    if (outcome && (*publisher)->open() > 0) {
      outcome = base::MakeError(base::ErrorKind::kTimeout,
                                "kafka: not acknowledged in time; they may be there all the same");
    }
    return outcome;
  }

  ExitCode Finish(const base::Result<void>& outcome) {
    for (const auto& [place, letter] : letters_) {
      if (done_.contains(place)) continue;
      Tell(letter, "failed", outcome ? "it is not there any more" : "see the error");
      ++failed_;
    }
    Complain(std::to_string(replayed_) + " replayed, " + std::to_string(refused_) +
             " can't be replayed, " + std::to_string(failed_) + " failed");
    if (!outcome) return Fail(outcome.error());
    return failed_ > 0 ? kExitFailure : End();
  }

  ExitCode End() const { return refused_ > 0 ? kExitLeftOver : kExitDone; }

 private:
  std::vector<kafka::PartitionRange> Ranges() const {
    std::map<std::int32_t, kafka::PartitionRange> ranges;
    for (const auto& [place, letter] : letters_) {
      const auto [range, is_new] = ranges.try_emplace(
          place.partition,
          kafka::PartitionRange{.partition = {.topic = session_.config.kafka.dead_letters,
                                              .partition = place.partition},
                                .begin = place.offset,
                                .end = place.offset});
      range->second.end = place.offset + 1;
    }
    std::vector<kafka::PartitionRange> list;
    list.reserve(ranges.size());
    for (auto& [partition, range] : ranges) list.push_back(std::move(range));
    return list;
  }

  base::Result<void> ReadAndSend(kafka::TopicReader& reader, PatientPublisher& publisher) {
    while (true) {
      auto record = reader.Next(session_.deadline);
      if (!record) return record.error();
      if (!*record) return {};
      const Place place{.partition = (*record)->partition.partition, .offset = (*record)->offset};
      if (!letters_.contains(place)) continue;
      auto replay = wire::ReplayOf(**record);
      if (!replay) return replay.error();
      sent_.push_back(place);
      publisher.Send(sent_.size(), {.topic = std::move(replay->topic),
                                    .key = std::move(replay->key),
                                    .value = std::move(replay->value),
                                    .headers = std::move(replay->headers)});
      Note(publisher.WaitFor(publisher.open_bytes() > kMaxOpenBytes ? 0 : kMaxOpen));
    }
  }

  void Note(const std::vector<PatientPublisher::Outcome>& outcomes) {
    for (const PatientPublisher::Outcome& outcome : outcomes) {
      LLMBATCH_CHECK(outcome.id >= 1 && outcome.id <= sent_.size());
      const Place place = sent_[outcome.id - 1];
      const Letter& letter = letters_.at(place);
      done_.insert(place);
      if (outcome.result) {
        ++replayed_;
        Tell(letter, "replayed", "");
      } else {
        ++failed_;
        Tell(letter, "failed", outcome.result.error().message);
      }
    }
  }

  void Tell(const Letter& letter, std::string_view status, const std::string& why) const {
    const std::string topic = letter.info.origin ? letter.info.origin->partition.topic : "";
    if (session_.json) {
      json::Writer writer;
      writer.BeginObject();
      writer.Key("partition").Int(letter.place.partition);
      writer.Key("offset").Int(letter.place.offset);
      if (!topic.empty()) writer.Key("topic").String(topic);
      writer.Key("status").String(status);
      if (!why.empty()) writer.Key("why").String(why);
      writer.EndObject();
      std::cout << writer.Take() + "\n";
      return;
    }
    std::string line = ToString(letter.place) + "  " + std::string(status);
    if (!topic.empty()) line += "  " + topic;
    if (!why.empty()) line += ": " + why;
    std::cout << Printable(line) + "\n";
  }

  const Session& session_;
  std::map<Place, Letter> letters_;
  std::vector<Place> sent_;  // by publish id, from 1
  std::set<Place> done_;     // acknowledged or refused by Kafka
  std::size_t replayed_ = 0;
  std::size_t refused_ = 0;
  std::size_t failed_ = 0;
};

bool AskPeople(std::size_t letters) {
  std::cerr << "replay " << letters << " letters? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// The places that were named and found nowhere.
std::set<Place> Missing(const LetterFilter& filter, const std::vector<Letter>& letters) {
  std::set<Place> missing = filter.places;
  for (const Letter& letter : letters) missing.erase(letter.place);
  return missing;
}

}  // namespace

ExitCode ListLetters(const Session& session, const LetterFilter& filter, std::size_t max_letters) {
  const auto found = FindLetters(session, filter, max_letters);
  if (!found) return Fail(found.error());
  if (session.json) {
    for (const Letter& letter : found->letters) std::cout << JsonOf(letter) + "\n";
  } else {
    std::cout << TableOf(found->letters);
  }
  TellLeftOut(found->left_out);
  return kExitDone;
}

ExitCode ShowLetter(const Session& session, Place place, Detail detail) {
  const auto record = ReadLetter(session, place);
  if (!record) return Fail(record.error());
  Sources sources(session.config.kafka);
  const Letter letter = Describe(*record, sources);
  if (session.json) {
    std::cout << JsonPageOf(letter, *record, detail) + "\n";
  } else {
    std::cout << PageOf(letter, *record);
  }
  return kExitDone;
}

ExitCode ShowValue(const Session& session, Place place) {
  const auto record = ReadLetter(session, place);
  if (!record) return Fail(record.error());
  if (!record->value) {
    const auto info = wire::ReadDeadLetter(*record);
    Complain(info.missing == "value" ? "the value didn't fit into the letter"
                                     : "the value is null");
    return kExitFailure;
  }
  if (IsTerminal(STDOUT_FILENO)) {
    std::cout << Printable(*record->value) + "\n";
  } else {
    std::cout << *record->value;
  }
  std::cout.flush();
  return std::cout ? kExitDone : kExitFailure;
}

ExitCode ReplayLetters(const Session& session, const LetterFilter& filter,
                       const ReplayOptions& options) {
  auto found = FindLetters(session, filter, options.max_letters);
  if (!found) return Fail(found.error());
  TellLeftOut(found->left_out);
  if (found->left_out == 0) {
    const std::set<Place> missing = Missing(filter, found->letters);
    for (const Place& place : missing) Complain("no letter at " + ToString(place) + " matches");
    if (!missing.empty()) return kExitFailure;
  }

  ReplayRun run(session, std::move(found->letters));
  run.TellObstacles();
  if (options.dry_run) {
    run.TellWhatWouldBe();
    return run.End();
  }
  const bool ask = !options.yes && run.size() > kMaxUnasked && IsTerminal(STDIN_FILENO) &&
                   IsTerminal(STDERR_FILENO);
  if (ask && !AskPeople(run.size())) {
    Complain("nothing was replayed");
    return kExitFailure;
  }
  if (run.size() == 0) return run.Finish({});
  return run.Finish(run.Publish());
}

}  // namespace llmbatch::ctl
