#include "twin/answer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/utf8.h"
#include "twin/planted.h"
#include "twin/schema_filler.h"

namespace llmbatch::twin {
namespace {

constexpr std::array<std::string_view, 4> kLabels = {"question", "complaint", "praise", "other"};
constexpr std::array<std::string_view, 3> kSentences = {
    "The text has been read and nothing in it stands out.",
    "The main point is made early and supported by one example.",
    "The writer asks for help and would like a reply soon."};

const JsonValue* ResultsSchema(const JsonValue* schema) {
  if (schema == nullptr) return nullptr;
  const JsonValue* properties = Find(*schema, "properties");
  return properties == nullptr ? nullptr : Find(*properties, "results");
}

// The schema of one item's object, or nullptr.
const JsonValue* ItemSchema(const JsonValue* schema) {
  const JsonValue* list = ResultsSchema(schema);
  if (list == nullptr) list = schema;
  return list == nullptr ? nullptr : Find(*list, "items");
}

void WriteDefaultObject(const Item& item, JsonWriter& writer) {
  writer.StartObject();
  writer.Key("id");
  WriteText(writer, item.id);
  writer.Key("label");
  WriteText(writer, kLabels[HashText(item.text) % kLabels.size()]);
  writer.Key("summary");
  WriteText(writer, "summary of " + item.key);
  writer.EndObject();
}

// The object of item `of`, under the id of item `under`.
std::string WithIdOf(const std::string& object, const Item& under) {
  auto document = ParseJson(object);
  if (!document || !document->IsObject()) return object;
  const auto id = document->FindMember("id");
  if (id == document->MemberEnd()) return object;
  id->value.SetString(under.id, document->GetAllocator());
  return ToJson(*document);
}

std::string Join(const std::vector<std::string>& objects, bool as_results) {
  std::string text = as_results ? R"({"results":[)" : "[";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (i > 0) text += ',';
    text += objects[i];
  }
  return text + (as_results ? "]}" : "]");
}

// The faults that concern single objects.
void SpoilObjects(const std::vector<Item>& items, FaultKind fault,
                  const std::vector<std::size_t>& targets, std::vector<std::string>& objects,
                  std::vector<bool>& answered) {
  if (fault == FaultKind::kMissing) {
    for (auto target = targets.rbegin(); target != targets.rend(); ++target) {
      objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(*target));
      answered[*target] = false;
    }
  } else if (fault == FaultKind::kSwapped) {
    std::string first = WithIdOf(objects[targets[0]], items[targets[1]]);
    objects[targets[1]] = WithIdOf(objects[targets[1]], items[targets[0]]);
    objects[targets[0]] = std::move(first);
    answered[targets[0]] = answered[targets[1]] = false;
  } else if (fault == FaultKind::kDuplicated) {
    for (const std::size_t target : targets) objects.push_back(objects[target]);
  } else if (fault == FaultKind::kReordered) {
    std::reverse(objects.begin(), objects.end());
  } else if (fault == FaultKind::kMerged) {
    // One object with the members of two, both ids among them.
    std::string& first = objects[targets[0]];
    first.back() = ',';
    first.append(objects[targets[1]], 1);
    objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(targets[1]));
    answered[targets[0]] = answered[targets[1]] = false;
  } else if (fault == FaultKind::kForeign && !objects.empty()) {
    const Item foreign{.id = "foreign-" + items.front().id, .key = {}, .text = {}};
    objects.push_back(WithIdOf(objects.front(), foreign));
  }
}

// Ends the text early; what stands before the cut is still right.
void Cut(const std::vector<std::string>& objects, std::size_t max_bytes, Answer& answer) {
  answer.text.resize(base::TruncateUtf8(answer.text, max_bytes).size());
  answer.finish = FinishReason::kLength;
  for (std::size_t i = 0; i < answer.answered.size(); ++i) {
    const bool whole = answer.answered[i] && answer.text.find(objects[i]) != std::string::npos;
    answer.answered[i] = whole;
  }
}

// Loses a quote and gains a comma near the middle.
std::string Garble(std::string text) {
  const auto quote = text.find('"', text.size() / 2);
  if (quote != text.npos) text.replace(quote, 1, ",,");
  return text + "}";
}

// The faults that concern the text as a whole.
void SpoilText(const std::vector<std::string>& objects, FaultKind fault, Answer& answer) {
  bool lost = true;
  switch (fault) {
    case FaultKind::kTruncated:
      Cut(objects, answer.text.size() * 3 / 5, answer);
      lost = false;
      break;
    case FaultKind::kGarbled:
      answer.text = Garble(std::move(answer.text));
      break;
    case FaultKind::kEmpty:
      answer.text.clear();
      break;
    case FaultKind::kRefusal:
      answer.text.clear();
      answer.refusal = "This can't be helped with.";
      break;
    case FaultKind::kContentFilter:
      answer.text.clear();
      answer.finish = FinishReason::kContentFilter;
      break;
    case FaultKind::kErrorIn200:
      break;
    case FaultKind::kFenced:
      answer.text = "```json\n" + answer.text + "\n```";
      lost = false;
      break;
    case FaultKind::kProse:
      answer.text = "Here is what was found:\n\n" + answer.text + "\n\nAsk if more is needed.";
      lost = false;
      break;
    default:
      lost = false;
  }
  if (lost) answer.answered.assign(answer.answered.size(), false);
}

}  // namespace

bool WantsResults(const JsonValue* schema) { return ResultsSchema(schema) != nullptr; }

std::vector<std::string> BuildObjects(const std::vector<Item>& items, const JsonValue* schema) {
  const JsonValue* item_schema = ItemSchema(schema);
  std::vector<std::string> objects;
  objects.reserve(items.size());
  rapidjson::StringBuffer buffer;
  for (const Item& item : items) {
    buffer.Clear();
    JsonWriter writer(buffer);
    if (item_schema == nullptr) {
      WriteDefaultObject(item, writer);
    } else {
      FillSchema(*schema, *item_schema,
                 Subject{.hash = HashText(item.text), .key = item.key, .id = item.id}, writer);
    }
    std::string object = TakeText(buffer);
    objects.push_back(WithPlanted(item, object).value_or(object));
  }
  return objects;
}

std::string BuildSentence(std::string_view prompt) {
  return std::string(kSentences[HashText(prompt) % kSentences.size()]);
}

Answer AssembleAnswer(const std::vector<Item>& items, const std::vector<std::string>& objects,
                      const JsonValue* schema, FaultKind fault,
                      const std::vector<std::size_t>& targets) {
  Answer answer;
  answer.answered.assign(items.size(), true);
  std::vector<std::string> spoilt = objects;
  SpoilObjects(items, fault, targets, spoilt, answer.answered);
  answer.text = Join(spoilt, WantsResults(schema));
  SpoilText(objects, fault, answer);
  return answer;
}

Answer AssembleText(std::string text, FaultKind fault) {
  Answer answer;
  answer.text = std::move(text);
  SpoilText({}, fault, answer);
  return answer;
}

std::uint64_t EstimateTokens(std::string_view text, double chars_per_token) {
  const auto chars = static_cast<double>(base::CountCodePoints(text));
  return static_cast<std::uint64_t>(std::ceil(chars / chars_per_token));
}

void LimitTokens(const std::vector<std::string>& objects, std::uint64_t max_tokens,
                 double chars_per_token, Answer& answer) {
  if (EstimateTokens(answer.text, chars_per_token) <= max_tokens) return;
  const double bytes = std::floor(static_cast<double>(max_tokens) * chars_per_token);
  Cut(objects, static_cast<std::size_t>(bytes), answer);
}

}  // namespace llmbatch::twin
