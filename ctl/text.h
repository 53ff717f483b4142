// What people read and write: texts that are safe on a terminal, tables, times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace llmbatch::ctl {

// Bytes of unknown origin as one line that can do a terminal no harm: control characters, and every
// byte above 0x7E of what isn't UTF-8, become \xNN.
std::string Printable(std::string_view bytes);

// At most `max_columns` code points; a longer text ends with "…".
std::string Shortened(std::string_view text, std::size_t max_columns);

// Columns of equal width, two spaces apart, each row with its end of line. Rows must have as many
// cells as `header`; cells must be printable.
std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows);

// RFC 3339, or a time before `now` as a number with a unit: "15m", "2h", "7d".
std::optional<base::WallTime> ParseTime(std::string_view text, base::WallTime now);

// 812 B, 1.2 KiB, 7.9 MiB.
std::string BytesText(std::int64_t bytes);

}  // namespace llmbatch::ctl
