#include "tokens/ratio_script.h"

namespace llmbatch::tokens {
namespace {

constexpr std::string_view kScript = R"lua(
local one, least, most = 1000000, 500000, 3000000
local told = {}
for i, key in ipairs(KEYS) do
  local own, keep, add = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local ratio = tonumber(redis.call('GET', key) or '')
  if ratio and not (ratio >= least and ratio <= most) then ratio = nil end
  if keep < one then
    ratio = ratio and math.floor(ratio * keep / one + add + 0.5) or own
    redis.call('SET', key, string.format('%.0f', ratio), 'PX', ARGV[1])
  end
  told[i] = ratio or 0
end
return told
)lua";

}  // namespace

std::string_view RatioScript() { return kScript; }

}  // namespace llmbatch::tokens
