#include "ledger/claim_script.h"

namespace llmbatch::ledger {
namespace {

constexpr std::string_view kScript = R"lua(
local operation, me, lifetime, call = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local outcome, replaces = ARGV[5], ARGV[6]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function instance(replica) return string.match(replica, '^(.*):[^:]*$') or replica end
local known = {}
local function lives(owner)
  if known[owner] == nil then
    local row = redis.call('HGET', KEYS[1], 'replica:' .. owner)
    local ends = row and tonumber(string.match(row, '^(%d+) '))
    known[owner] = ends and ends > now and instance(owner) ~= instance(me) or false
  end
  return known[owner]
end

-- The owner of a claim, and the call it was sent with; nothing for an outcome.
local function claim(value)
  if not value then return nil, nil end
  local owner = string.match(value, '^claim (%S+)$')
  if owner then return owner, nil end
  return string.match(value, '^sent (%S+) (%S*)$')
end

-- What isn't a text was put there by a stranger, and counts as nothing.
local function read(key)
  local value = redis.pcall('GET', key)
  return type(value) == 'string' and value
end

local function look_up(key)
  local value = read(key)
  local owner, sent = claim(value)
  if value and not owner then return value end
  if owner == me then return 0 end
  if owner and lives(owner) then return 1 end
  redis.call('SET', key, 'claim ' .. me, 'PX', lifetime)
  return sent and {sent} or 0
end

if operation == 'look_up' then
  local answers = {}
  for i = 2, #KEYS do answers[i - 1] = look_up(KEYS[i]) end
  return answers
end
if operation == 'store' then
  local value = read(KEYS[2])
  local owner = claim(value)
  local stays = value and (not owner or owner ~= me and lives(owner))
  if value == replaces or not stays then redis.call('SET', KEYS[2], outcome, 'PX', lifetime) end
  return 0
end
for i = 2, #KEYS do
  if claim(read(KEYS[i])) == me then
    if operation == 'sent' then
      redis.call('SET', KEYS[i], 'sent ' .. me .. ' ' .. call, 'PX', lifetime)
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return 0
)lua";

}  // namespace

std::string_view ClaimScript() { return kScript; }

}  // namespace llmbatch::ledger
