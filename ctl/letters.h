// Dead letters as an operator sees them: which there are, which are meant, how they are shown.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/config.h"
#include "ports/record.h"
#include "wire/dead_letter.h"

namespace llmbatch::ctl {

// Where a letter stands on the topic of the dead letters. Written PARTITION@OFFSET.
struct Place {
  std::int32_t partition = 0;
  std::int64_t offset = 0;

  friend auto operator<=>(const Place&, const Place&) = default;
};
std::optional<Place> ParsePlace(std::string_view text);
std::string ToString(Place place);

// What the configuration knows of the topics that letters come from.
class Sources {
 public:
  // The configuration must outlive it.
  explicit Sources(const config::Kafka& kafka) : kafka_(kafka) {}

  // Whether records written to that topic are read, as messages or as inputs of a task.
  bool Reads(const std::string& topic);
  // The task that a topic is bound to; empty: none.
  std::string TaskOf(const std::string& topic) const;

 private:
  const config::Kafka& kafka_;
  std::map<std::string, bool> read_;  // a regular expression is slow to ask again and again
};

struct Letter {
  Place place;
  wire::DeadLetterInfo info;
  std::string task;      // empty: not known
  std::string obstacle;  // why it can't be replayed; empty: it can
};
Letter Describe(const ports::Record& record, Sources& sources);

// What is empty lets everything pass.
struct LetterFilter {
  std::string reason;
  std::string task;
  std::optional<base::WallTime> since;  // included
  std::optional<base::WallTime> until;  // not included
  std::set<Place> places;

  bool empty() const {
    return reason.empty() && task.empty() && !since && !until && places.empty();
  }
};
// A letter without a time passes no filter of times.
bool Matches(const Letter& letter, const LetterFilter& filter);

// Keeps the oldest letters, so that memory is bounded whatever the topic holds.
class OldestLetters {
 public:
  explicit OldestLetters(std::size_t max_letters) : max_letters_(max_letters) {}

  void Add(Letter letter);
  // Letters that were added and not kept.
  std::size_t left_out() const { return added_ - letters_.size(); }
  // By time, then by place.
  std::vector<Letter> Take();

 private:
  struct Older {
    bool operator()(const Letter& a, const Letter& b) const;
  };
  const std::size_t max_letters_;
  std::set<Letter, Older> letters_;
  std::size_t added_ = 0;
};

std::string TableOf(const std::vector<Letter>& letters);
// One JSON object, without end of line.
std::string JsonOf(const Letter& letter);

enum class Detail {
  kMasked,  // without the values of headers that are likely to hold credentials
  kWhole,
};
// The letter with its key and headers, masked, and never its value.
std::string PageOf(const Letter& letter, const ports::Record& record);
// As JSON; kWhole adds value_base64.
std::string JsonPageOf(const Letter& letter, const ports::Record& record, Detail detail);

}  // namespace llmbatch::ctl
