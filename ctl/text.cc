#include "ctl/text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/utf8.h"
#include "config/values.h"

namespace llmbatch::ctl {
namespace {

void AppendHex(std::string& out, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 0xF];
}

}  // namespace

std::string Printable(std::string_view bytes) {
  const bool is_utf8 = base::IsUtf8(bytes);
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    // U+0080–U+009F are control characters too; in UTF-8 they are 0xC2 and a byte below 0xA0.
    const bool begins_c1 =
        is_utf8 && byte == 0xC2 && static_cast<unsigned char>(bytes[i + 1]) < 0xA0;
    if (begins_c1) {
      AppendHex(out, byte);
      AppendHex(out, static_cast<unsigned char>(bytes[++i]));
    } else if (byte < 0x20 || byte == 0x7F || (byte > 0x7E && !is_utf8)) {
      AppendHex(out, byte);
    } else {
      out += bytes[i];
    }
  }
  return out;
}

std::string Shortened(std::string_view text, std::size_t max_columns) {
  if (max_columns == 0) return {};
  if (base::CountCodePoints(text) <= max_columns) return std::string(text);
  std::size_t end = 0;
  for (std::size_t columns = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (begins && ++columns == max_columns) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(header.size(), 0);
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], base::CountCodePoints(row[i]));
    }
  };
  measure(header);
  for (const auto& row : rows) measure(row);
  std::string out;
  const auto write = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += row[i] + std::string(widths[i] - base::CountCodePoints(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  write(header);
  for (const auto& row : rows) write(row);
  return out;
}

std::optional<base::WallTime> ParseTime(std::string_view text, base::WallTime now) {
  if (const auto ago = config::ParseDuration(text)) return now - *ago;
  return base::ParseRfc3339(text);
}

std::string BytesText(std::int64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 3> kUnits{"KiB", "MiB", "GiB"};
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", amount, kUnits[unit]);
  return text.data();
}

}  // namespace llmbatch::ctl
