#include "admission/hold_script.h"

namespace llmbatch::admission {
namespace {

constexpr std::string_view kScript = R"lua(
local holds, route, left, bursts = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local longest = 7200000
if bursts == 0 and string.sub(route, -1) == '/' then
  if redis.call('HDEL', holds, route) == 1 then redis.call('PUBLISH', ARGV[4], '0 0 ' .. route) end
  return 1
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HGET', holds, route)
local ends, known_bursts = string.match(known or '', '^(%d+) (%d+)$')
ends, known_bursts = tonumber(ends) or 0, tonumber(known_bursts) or 0
if ends > now + longest or ends <= now then ends, known_bursts = 0, 0 end
if now + left <= ends and bursts <= known_bursts then return 0 end
ends, bursts = math.max(ends, now + left), math.max(bursts, known_bursts)
redis.call('HSET', holds, route, string.format('%.0f %.0f', ends, bursts))
redis.call('PEXPIRE', holds, longest)
redis.call('PUBLISH', ARGV[4], string.format('%.0f %.0f %s', ends - now, bursts, route))
return 1
)lua";

}  // namespace

std::string_view HoldScript() { return kScript; }

}  // namespace llmbatch::admission
