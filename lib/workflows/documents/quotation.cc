#include "workflows/documents/quotation.h"

#include <algorithm>
#include <optional>

namespace llmbatch::workflows {
namespace {

using json::Kind;
using json::Value;

std::string WithSingleBlanks(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (const char byte : text) {
    const bool blank = byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
    if (!blank) {
      plain += byte;
    } else if (!plain.empty() && plain.back() != ' ') {
      plain += ' ';
    }
  }
  if (!plain.empty() && plain.back() == ' ') plain.pop_back();
  return plain;
}

std::string_view TextAt(Value object, std::string_view name) {
  const auto value = object.Find(name);
  return value && value->is(Kind::kString) ? value->AsString() : std::string_view();
}

}  // namespace

Quotations::Quotations(std::span<const Document> documents) {
  for (const Document& document : documents) texts_.emplace(document.id, document.text);
}

bool Quotations::Stands(std::string_view document_id, std::string_view quotation) {
  const auto text = texts_.find(document_id);
  const std::string wanted = WithSingleBlanks(quotation);
  if (text == texts_.end() || wanted.empty()) return false;
  const auto [plain, added] = plain_.try_emplace(text->first);
  if (added) plain->second = WithSingleBlanks(text->second);
  return plain->second.find(wanted) != std::string::npos;
}

void Quotations::WriteChecked(json::Writer& writer, Value answer,
                              std::span<const std::string_view> without) {
  if (!answer.is(Kind::kObject)) return;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const json::Member member = answer.MemberAt(i);
    if (std::find(without.begin(), without.end(), member.name) != without.end()) continue;
    writer.Key(member.name);
    if (member.name != "citations" || !member.value.is(Kind::kArray)) {
      writer.Raw(member.value.ToJson());
      continue;
    }
    writer.BeginArray();
    for (std::size_t k = 0; k < member.value.size(); ++k) {
      const Value citation = member.value.At(k);
      if (!citation.is(Kind::kObject)) continue;
      writer.BeginObject();
      for (std::size_t m = 0; m < citation.size(); ++m) {
        const json::Member part = citation.MemberAt(m);
        if (part.name != "unverified") writer.Key(part.name).Raw(part.value.ToJson());
      }
      if (!Stands(TextAt(citation, "document"), TextAt(citation, "quotation")))
        writer.Key("unverified").Bool(true);
      writer.EndObject();
    }
    writer.EndArray();
  }
}

}  // namespace llmbatch::workflows
