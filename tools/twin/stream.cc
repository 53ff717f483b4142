#include "twin/stream.h"

#include <algorithm>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

constexpr std::size_t kPieceBytes = 24;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

std::string MakeEvent(std::string_view name, std::string_view data) {
  std::string event;
  if (!name.empty()) event.append("event: ").append(name).append("\n");
  return event.append("data: ").append(data).append("\n\n");
}

std::string Quote(std::string_view text) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  WriteText(writer, text);
  return TakeText(buffer);
}

std::vector<std::string_view> CutIntoPieces(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (text.size() > kPieceBytes) {
    std::size_t end = kPieceBytes;
    while (end < text.size() && IsContinuation(text[end])) ++end;
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  pieces.push_back(text);
  return pieces;
}

std::string JoinEvents(const StreamEvents& events, FaultKind fault, const std::string& error) {
  std::string body;
  const auto add = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) body += events[i];
  };
  if (!IsStreamFault(fault)) {
    add(0, events.size());
    return body;
  }
  // The mark of the end is among the last ones.
  const std::size_t half = events.size() / 2;
  add(0, half);
  if (fault == FaultKind::kStreamError) body += error;
  if (fault == FaultKind::kStreamGarbage) {
    body += "data: {\"cut\": \n\n";
    add(half, events.size());
  }
  return body;
}

}  // namespace llmbatch::twin
