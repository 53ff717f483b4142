#include "answers/decoder.h"

#include <unordered_map>
#include <utility>

#include "answers/candidates.h"
#include "json/value.h"
#include "json/writer.h"

namespace llmbatch::answers {
namespace {

constexpr std::string_view kIdName = "id";
constexpr json::Limits kElementLimits{.max_bytes = kMaxAnswerBytes, .max_depth = kMaxScanDepth};

using Nonces = std::unordered_map<std::string_view, std::size_t>;

struct Answer {
  std::size_t item = 0;
  std::string output;
};

// What one candidate says.
struct Reading {
  std::vector<Answer> answers;
  int foreign_ids = 0;
  std::size_t bytes = 0;
  Repair repair = Repair::kNone;
};

std::string WithoutId(json::Value object) {
  json::Writer writer;
  writer.BeginObject();
  for (std::size_t i = 0; i < object.size(); ++i) {
    const json::Member member = object.MemberAt(i);
    if (member.name != kIdName) writer.Key(member.name).Raw(member.value.ToJson());
  }
  writer.EndObject();
  return writer.Take();
}

void ReadElement(std::string_view element, const Nonces& nonces, Reading& reading) {
  const auto document = json::Document::Parse(element, kElementLimits);
  if (!document) return;
  const json::Value object = document->root();
  const auto id = object.Find(kIdName);
  const auto item = id && id->is(json::Kind::kString) ? nonces.find(id->AsString()) : nonces.end();
  if (item == nonces.end()) {
    ++reading.foreign_ids;
  } else {
    reading.answers.push_back({item->second, WithoutId(object)});
  }
}

Reading ReadList(std::string_view text, const Candidate& candidate, const Nonces& nonces) {
  Reading reading{.bytes = candidate.range.end - candidate.range.begin};
  for (const Range& element : candidate.scan.elements) {
    ReadElement(element.In(text), nonces, reading);
  }
  return reading;
}

// The candidate itself as the answer to the only item.
Reading ReadBare(std::string_view text, const Candidate& candidate, const Nonces& nonces) {
  Reading reading{.bytes = candidate.range.end - candidate.range.begin};
  ReadElement(candidate.range.In(text), nonces, reading);
  return reading;
}

bool IsBetter(const Reading& a, const Reading& b) {
  if (a.answers.size() != b.answers.size()) return a.answers.size() > b.answers.size();
  return a.bytes > b.bytes;
}

void Keep(std::optional<Reading>& best, Reading reading, Repair repair) {
  reading.repair = repair;
  if (!best || IsBetter(reading, *best)) best = std::move(reading);
}

bool HasAnswersForm(const Scan& scan) {
  return scan.has_list && (!scan.elements.empty() || !scan.list_has_others);
}

std::optional<Reading> BestReading(std::string_view text, const Candidates& candidates,
                                   const Nonces& nonces) {
  std::optional<Reading> best;
  for (const Candidate& candidate : candidates.values) {
    const bool cut = candidate.scan.outcome == Scan::Outcome::kCut;
    const Repair repair = cut                ? Repair::kTruncated
                          : candidates.alone ? Repair::kNone
                                             : Repair::kExtracted;
    if (cut || HasAnswersForm(candidate.scan)) {
      Keep(best, ReadList(text, candidate, nonces), repair);
    }
    if (nonces.size() != 1 || text[candidate.range.begin] != '{') continue;
    Reading bare = ReadBare(text, candidate, nonces);
    if (!bare.answers.empty()) Keep(best, std::move(bare), repair);
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

DecodedAnswers Settle(Reading reading, std::size_t items, const json::Schema* schema) {
  DecodedAnswers decoded{.outputs = std::vector<std::optional<std::string>>(items),
                         .problems = std::vector<Problem>(items, Problem::kMissing),
                         .foreign_ids = reading.foreign_ids,
                         .repair = reading.repair,
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
  for (std::size_t i = 0; i < nonces.size(); ++i) items.emplace(nonces[i], i);

  std::optional<Reading> best = BestReading(text, FindCandidates(text), items);
  if (!best && ending == Ending::kWhole) {
    return base::Invalid("answer: no JSON array of objects, and no object with results");
  }
  if (!best) best = Reading{.repair = Repair::kTruncated};
  DecodedAnswers decoded = Settle(std::move(*best), nonces.size(), schema);
  decoded.truncated = decoded.truncated || ending == Ending::kCutOff;
  return decoded;
}

}  // namespace llmbatch::answers
