#include "workflows/classification/catalogue.h"

#include <algorithm>

#include "json/value.h"

namespace llmbatch::workflows {
namespace {

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

Facts FactsOf(std::string_view answer_json) {
  Facts facts;
  const auto document = json::Document::Parse(answer_json);
  if (!document) return facts;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const auto value = document->root().Find(kClassificationKinds[i].fact);
    if (value && value->is(json::Kind::kString)) facts[i] = Trimmed(value->AsString());
  }
  return facts;
}

std::string WithFacts(std::string_view answer_json, const Facts& facts) {
  const auto document = json::Document::Parse(answer_json);
  if (!document || !document->root().is(json::Kind::kObject)) return std::string(answer_json);
  const json::Value answer = document->root();
  json::Writer writer;
  writer.BeginObject();
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const json::Member member = answer.MemberAt(i);
    const auto kind =
        std::find_if(kClassificationKinds.begin(), kClassificationKinds.end(),
                     [&](const ClassificationKind& each) { return each.fact == member.name; });
    writer.Key(member.name);
    if (kind != kClassificationKinds.end() && member.value.is(json::Kind::kString)) {
      writer.String(facts[static_cast<std::size_t>(kind - kClassificationKinds.begin())]);
    } else {
      writer.Raw(member.value.ToJson());
    }
  }
  return writer.EndObject().Take();
}

std::int64_t Catalogue::Add(const Facts& facts) {
  std::int64_t unknown = 0;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (facts[i].empty()) continue;
    std::int64_t& count = counts_[i][facts[i]];
    if (count++ == 0) ++unknown;
  }
  return unknown;
}

std::vector<std::string> Catalogue::Names(std::size_t kind) const {
  std::vector<std::string> names;
  for (const auto& [name, count] : counts_[kind]) names.push_back(name);
  return names;
}

std::int64_t Catalogue::size() const {
  std::int64_t size = 0;
  for (const Counts& counts : counts_) size += static_cast<std::int64_t>(counts.size());
  return size;
}

std::string Catalogue::KnownJson(std::size_t max_bytes) const {
  const std::size_t share = max_bytes / kClassificationKindCount;
  json::Writer writer;
  writer.BeginObject();
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    std::vector<std::pair<std::int64_t, std::string_view>> ranked;
    for (const auto& [name, count] : counts_[i]) ranked.emplace_back(-count, name);
    std::sort(ranked.begin(), ranked.end());
    writer.Key(kClassificationKinds[i].list).BeginArray();
    std::size_t left = share;
    for (const auto& [rank, name] : ranked) {
      const std::string quoted = json::Quote(name);
      if (quoted.size() + 1 > left) break;
      left -= quoted.size() + 1;
      writer.Raw(quoted);
    }
    writer.EndArray();
  }
  return writer.EndObject().Take();
}

void Catalogue::Write(json::Writer& writer) const {
  writer.BeginObject();
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    writer.Key(kClassificationKinds[i].list).BeginArray();
    for (const auto& [name, count] : counts_[i]) writer.String(name);
    writer.EndArray();
  }
  writer.EndObject();
}

}  // namespace llmbatch::workflows
