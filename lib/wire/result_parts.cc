#include "wire/result_parts.h"

#include <algorithm>
#include <cstdint>

#include "json/writer.h"

namespace llmbatch::wire {
namespace {

constexpr std::size_t kLeastPieceBytes = 64;

// The text's JSON string has at most so many bytes, without quotation marks. JSON has no control
// characters, so these two are all that is escaped.
std::size_t EscapedBytes(char byte) { return byte == '"' || byte == '\\' ? 2 : 1; }

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::vector<std::string_view> Cut(std::string_view text, std::size_t max_escaped_bytes) {
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  std::size_t character = 0;  // where the last one begins: a piece ends between two
  std::size_t bytes = 0;      // escaped, of the piece so far
  std::size_t bytes_before = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!IsContinuation(text[i])) {
      character = i;
      bytes_before = bytes;
    }
    bytes += EscapedBytes(text[i]);
    if (bytes <= max_escaped_bytes) continue;
    pieces.push_back(text.substr(begin, character - begin));
    begin = character;
    bytes -= bytes_before;
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

std::string EncodePart(std::string_view job_id, std::size_t part, std::size_t parts,
                       std::string_view piece) {
  json::Writer writer;
  writer.BeginObject().Key("kind").String("job_result_part").Key("job_id").String(job_id);
  writer.Key("part").Int(static_cast<std::int64_t>(part));
  writer.Key("parts").Int(static_cast<std::int64_t>(parts));
  writer.Key("json").String(piece).EndObject();
  return writer.Take();
}

}  // namespace

std::vector<std::string> EncodeResultParts(std::string_view job_id, std::string_view result_json,
                                           std::size_t max_bytes) {
  const std::size_t frame = EncodePart(job_id, result_json.size(), result_json.size(), {}).size();
  const std::size_t room = max_bytes > frame ? max_bytes - frame : 0;
  const auto pieces = Cut(result_json, std::max(room, kLeastPieceBytes));
  std::vector<std::string> parts;
  parts.reserve(pieces.size());
  for (const std::string_view piece : pieces) {
    parts.push_back(EncodePart(job_id, parts.size() + 1, pieces.size(), piece));
  }
  return parts;
}

}  // namespace llmbatch::wire
