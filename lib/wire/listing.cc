#include "wire/listing.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/lines.h"
#include "wire/request.h"

namespace llmbatch::wire {
namespace {

std::variant<json::Document, json::ParseFailure> Parse(std::string_view text) {
  return json::Document::Read(text, {.max_bytes = std::max<std::size_t>(text.size(), 1),
                                     .max_depth = kMaxJsonDepth,
                                     .max_nodes = kMaxJsonValues});
}

std::string Told(const json::ParseFailure& failure) {
  return std::string(json::ToString(failure.problem)) + " at byte " +
         std::to_string(failure.offset);
}

std::string WrongCount(std::size_t max_elements) {
  return "must have from 1 to " + std::to_string(max_elements) + " elements";
}

std::optional<std::string> ReadArray(std::string_view text, std::size_t max_elements,
                                     const TakeElement& take) {
  const auto outcome = Parse(text);
  if (const auto* failure = std::get_if<json::ParseFailure>(&outcome)) return Told(*failure);
  const json::Value list = std::get<json::Document>(outcome).root();
  if (list.size() < 1 || list.size() > max_elements) return WrongCount(max_elements);
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto wrong = take(list.At(i), "[" + std::to_string(i) + "]");
    if (wrong) return wrong;
  }
  return std::nullopt;
}

std::optional<std::string> ReadLine(std::string_view line, const TakeElement& take) {
  const auto outcome = Parse(line);
  if (const auto* failure = std::get_if<json::ParseFailure>(&outcome)) return Told(*failure);
  const json::Value element = std::get<json::Document>(outcome).root();
  if (!element.is(json::Kind::kObject)) return "must be a JSON object";
  return take(element, "");
}

}  // namespace

std::optional<std::string> ReadListing(std::string_view text, std::size_t max_elements,
                                       const TakeElement& take) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && text[begin] == '[')
    return ReadArray(text, max_elements, take);
  std::size_t count = 0;
  base::LineReader lines(text);
  while (const auto line = lines.Next()) {
    if (base::IsBlank(line->text)) continue;
    if (++count > max_elements) return WrongCount(max_elements);
    if (auto wrong = ReadLine(line->text, take))
      return "line " + std::to_string(line->number) + ": " + *wrong;
  }
  if (count == 0) return WrongCount(max_elements);
  return std::nullopt;
}

}  // namespace llmbatch::wire
