#include "answers/decoder.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "answers/candidates.h"
#include "answers/unwrap.h"
#include "json/value.h"

namespace llmbatch::answers {
namespace {

constexpr std::string_view kIdName = "id";
constexpr std::string_view kListName = "results";
constexpr json::Limits kElementLimits{.max_bytes = kMaxAnswerBytes, .max_depth = kMaxScanDepth};

using Nonces = std::unordered_map<std::string_view, std::size_t>;

struct Answer {
  std::size_t item = 0;
  std::string output;
};

// What one candidate says.
struct Reading {
  std::vector<Answer> answers;
  std::size_t items_answered = 0;  // an item counts once
  int foreign_ids = 0;
  bool nests_answers = false;  // one of the objects is no item's, but holds results itself
  std::size_t bytes = 0;
  Edits edits;
  std::size_t missing_brackets = 0;  // of a text that ends behind a whole object
  Repair repair = Repair::kNone;
};

// `bytes` are those of the object's text.
void ReadObject(json::Value object, std::size_t bytes, const Nonces& nonces, Reading& reading) {
  const auto id = object.Find(kIdName);
  const auto item = id && id->is(json::Kind::kString) ? nonces.find(id->AsString()) : nonces.end();
  if (item == nonces.end()) {
    ++reading.foreign_ids;
    const auto results = id ? std::nullopt : object.Find(kListName);
    if (results && results->is(json::Kind::kArray)) reading.nests_answers = true;
  } else {
    std::string output;
    output.reserve(bytes);
    object.AppendWithout(kIdName, output);
    reading.answers.push_back({item->second, std::move(output)});
  }
}

void ReadElement(std::string_view element, const Nonces& nonces, Reading& reading) {
  const auto document = json::Document::Parse(element, kElementLimits);
  if (document) ReadObject(document->root(), element.size(), nonces, reading);
}

// The objects of the candidate's list, parsed together, which costs little more than to parse one;
// nothing if any of the text is wrong: the others are right all the same.
std::optional<std::vector<json::Value>> ObjectsOf(const json::Document& document,
                                                  const Scan& scan) {
  const json::Value root = document.root();
  const auto list = root.is(json::Kind::kArray) ? std::optional(root) : root.Find(kListName);
  if (!list || !list->is(json::Kind::kArray)) return std::nullopt;
  std::vector<json::Value> objects;
  objects.reserve(scan.elements.size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (list->At(i).is(json::Kind::kObject)) objects.push_back(list->At(i));
  }
  if (objects.size() != scan.elements.size()) return std::nullopt;
  return objects;
}

bool ReadTogether(std::string_view text, const Candidate& candidate, const Nonces& nonces,
                  Reading& reading) {
  const Scan& scan = candidate.scan;
  if (scan.outcome != Scan::Outcome::kWhole || scan.elements.size() < 2) return false;
  const auto document = json::Document::Parse(candidate.JsonIn(text), kElementLimits);
  if (!document) return false;
  const auto objects = ObjectsOf(*document, scan);
  if (!objects) return false;
  reading.answers.reserve(objects->size());
  for (std::size_t i = 0; i < objects->size(); ++i) {
    const Range& range = scan.elements[i];
    ReadObject((*objects)[i], range.end - range.begin, nonces, reading);
  }
  return true;
}

bool IsCut(const Candidate& candidate) { return candidate.scan.outcome == Scan::Outcome::kCut; }

// Whether nothing but brackets and commas is missing or left behind the last whole object.
bool EndsBetweenObjects(std::string_view text, const Candidate& candidate) {
  const Scan& scan = candidate.scan;
  if (scan.elements.empty()) return false;
  const std::string_view scanned = candidate.ScannedIn(text);
  return scanned.substr(0, scan.end).find_first_not_of(" \t\r\n,]", scan.elements.back().end) ==
         std::string_view::npos;
}

Reading ReadList(std::string_view text, const Candidate& candidate, const Nonces& nonces) {
  Reading reading{.bytes = candidate.range.end - candidate.range.begin, .edits = candidate.edits};
  if (ReadTogether(text, candidate, nonces, reading)) return reading;
  for (const Range& element : candidate.scan.elements) {
    ReadElement(element.In(candidate.ScannedIn(text)), nonces, reading);
  }
  if (IsCut(candidate) && EndsBetweenObjects(text, candidate)) {
    reading.missing_brackets = candidate.scan.open_brackets;
  }
  return reading;
}

// The candidate itself as the answer to the only item.
Reading ReadBare(std::string_view text, const Candidate& candidate, const Nonces& nonces) {
  Reading reading{.bytes = candidate.range.end - candidate.range.begin, .edits = candidate.edits};
  ReadElement(candidate.JsonIn(text), nonces, reading);
  return reading;
}

// A list that ends inside and holds more than objects was left open before the answers began: what
// stands in its front is quoted or talked into the model, and the answers are nested in it.
bool HasAnswersForm(const Scan& scan) {
  if (scan.outcome == Scan::Outcome::kCut) return !scan.list_has_others;
  return scan.has_list && (!scan.elements.empty() || !scan.list_has_others);
}

// Whether `next` goes on with the objects that `last` is one of.
bool Continues(std::string_view text, const Candidate& last, const Candidate& next) {
  const std::string_view between = text.substr(last.range.end, next.range.begin - last.range.end);
  return text[last.range.begin] == '{' && text[next.range.begin] == '{' && !IsCut(last) &&
         between.find_first_not_of(" \t\r\n,") == std::string_view::npos;
}

std::size_t CountItems(const std::vector<Answer>& answers, std::size_t items) {
  std::vector<bool> answered(items, false);
  for (const Answer& answer : answers) answered[answer.item] = true;
  return static_cast<std::size_t>(std::count(answered.begin(), answered.end(), true));
}

bool IsBetter(const Reading& a, const Reading& b) {
  if (a.items_answered != b.items_answered) return a.items_answered > b.items_answered;
  return a.bytes > b.bytes;
}

// Another reading has to answer more to count instead of one that took less liberty.
void TakeIfBetter(std::optional<Reading>& best, std::optional<Reading> other) {
  if (other && (!best || other->items_answered > best->items_answered)) best = std::move(other);
}

// Reads the candidates of a text and keeps the best reading.
class Reader {
 public:
  Reader(std::string_view text, const Nonces& nonces) : text_(text), nonces_(nonces) {}

  // JSON first; what it leaves open, broken JSON may answer.
  std::optional<Reading> Run() {
    ReadAll(Mode::kStrict);
    if (best_ && best_->items_answered == nonces_.size()) return std::move(best_);
    std::optional<Reading> strict = std::exchange(best_, std::nullopt);
    ReadAll(Mode::kTolerant);
    TakeIfBetter(strict, std::move(best_));
    return strict;
  }

 private:
  void ReadAll(Mode mode) {
    const Candidates candidates = FindCandidates(text_, mode, mends_);
    alone_ = candidates.alone;
    const auto& values = candidates.values;
    for (std::size_t i = 0; i < values.size(); ++i) {
      ReadOne(values[i]);
      if (i > 0 && Continues(text_, values[i - 1], values[i])) continue;
      std::size_t end = i + 1;
      while (end < values.size() && Continues(text_, values[end - 1], values[end])) ++end;
      if (end - i > 1 && nonces_.size() > 1) ReadJoined({values.data() + i, end - i});
    }
  }

  void ReadOne(const Candidate& candidate) {
    const bool cut = IsCut(candidate);
    if (HasAnswersForm(candidate.scan)) Keep(ReadList(text_, candidate, nonces_), cut);
    if (nonces_.size() != 1 || text_[candidate.range.begin] != '{') return;
    Reading bare = ReadBare(text_, candidate, nonces_);
    if (!bare.answers.empty()) Keep(std::move(bare), cut);
  }

  void ReadJoined(std::span<const Candidate> objects) {
    Reading reading{.bytes = objects.back().range.end - objects.front().range.begin};
    for (const Candidate& object : objects) {
      reading.edits.Add(object.edits);
      if (!IsCut(object)) ReadElement(object.JsonIn(text_), nonces_, reading);
    }
    reading.edits.Add(EditKind::kJoined, objects.size() - 1);
    if (!reading.answers.empty()) Keep(std::move(reading), IsCut(objects.back()));
  }

  void Keep(Reading reading, bool cut) {
    if (reading.edits.over_limit() || reading.nests_answers) return;
    reading.items_answered = CountItems(reading.answers, nonces_.size());
    reading.repair = cut                         ? Repair::kTruncated
                     : reading.edits.total() > 0 ? Repair::kFixed
                     : alone_                    ? Repair::kNone
                                                 : Repair::kExtracted;
    if (!best_ || IsBetter(reading, *best_)) best_ = std::move(reading);
  }

  std::string_view text_;
  const Nonces& nonces_;
  Mends mends_;
  bool alone_ = false;
  std::optional<Reading> best_;
};

bool AnswersAll(const std::optional<Reading>& reading, std::size_t items) {
  return reading && reading->items_answered == items;
}

std::optional<Reading> BestReading(std::string_view text, const Nonces& nonces) {
  std::optional<Reading> best = Reader(text, nonces).Run();
  if (AnswersAll(best, nonces.size())) return best;
  const std::optional<std::string> unwrapped = Unwrapped(text);
  std::optional<Reading> inner = unwrapped ? Reader(*unwrapped, nonces).Run() : std::nullopt;
  if (inner && !inner->answers.empty()) {
    inner->edits.Add(EditKind::kUnwrapped);
    if (inner->repair != Repair::kTruncated) inner->repair = Repair::kFixed;
    TakeIfBetter(best, std::move(inner));
  }
  return best;
}

// A provider that must name every property says null for one that the item has not: such nulls are
// taken out.
bool Meets(const json::Schema* schema, std::string& output) {
  if (schema == nullptr || schema->Validate(output)) return true;
  auto without_nulls = schema->WithoutForeignNulls(output);
  if (!without_nulls || !schema->Validate(*without_nulls)) return false;
  output = std::move(*without_nulls);
  return true;
}

// A whole answer of which only the last brackets were forgotten is as good as one that has them.
void CloseBrackets(Reading& reading, std::size_t items) {
  if (reading.missing_brackets == 0 || reading.items_answered < items) return;
  reading.edits.Add(EditKind::kBracket, reading.missing_brackets);
  reading.repair = Repair::kFixed;
}

DecodedAnswers Settle(Reading reading, std::size_t items, const json::Schema* schema) {
  DecodedAnswers decoded{.outputs = std::vector<std::optional<std::string>>(items),
                         .problems = std::vector<Problem>(items, Problem::kMissing),
                         .foreign_ids = reading.foreign_ids,
                         .repair = reading.repair,
                         .edits = reading.edits,
                         .truncated = reading.repair == Repair::kTruncated};
  for (Answer& answer : reading.answers) {
    Problem& problem = decoded.problems[answer.item];
    std::optional<std::string>& output = decoded.outputs[answer.item];
    if (problem != Problem::kMissing) {
      problem = Problem::kDuplicate;
      output.reset();
    } else if (!Meets(schema, answer.output)) {
      problem = Problem::kInvalid;
    } else {
      problem = Problem::kNone;
      output = std::move(answer.output);
    }
  }
  return decoded;
}

}  // namespace

std::string_view ToString(Problem problem) {
  switch (problem) {
    case Problem::kNone:
      return "none";
    case Problem::kMissing:
      return "missing";
    case Problem::kDuplicate:
      return "duplicate";
    case Problem::kInvalid:
      return "invalid";
  }
  return "none";
}

std::string_view ToString(Repair repair) {
  switch (repair) {
    case Repair::kNone:
      return "none";
    case Repair::kExtracted:
      return "extracted";
    case Repair::kFixed:
      return "fixed";
    case Repair::kTruncated:
      return "truncated";
  }
  return "none";
}

base::Result<DecodedAnswers> DecodeAnswers(std::string_view text,
                                           std::span<const std::string> nonces,
                                           const json::Schema* schema, Ending ending) {
  if (text.size() > kMaxAnswerBytes) {
    return base::MakeError(base::ErrorKind::kTooLarge, "answer: larger than 4 MiB");
  }
  Nonces items;
  items.reserve(nonces.size());
  for (std::size_t i = 0; i < nonces.size(); ++i) items.emplace(nonces[i], i);

  std::optional<Reading> best = BestReading(text, items);
  if (!best && ending == Ending::kWhole) {
    return base::Invalid("answer: no JSON array of objects, and no object with results");
  }
  if (!best) best = Reading{.repair = Repair::kTruncated};
  if (ending == Ending::kWhole) CloseBrackets(*best, nonces.size());
  DecodedAnswers decoded = Settle(std::move(*best), nonces.size(), schema);
  decoded.truncated = decoded.truncated || ending == Ending::kCutOff;
  return decoded;
}

}  // namespace llmbatch::answers
