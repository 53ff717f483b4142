#include "admission/permit_script.h"

namespace llmbatch::admission {
namespace {

constexpr std::string_view kScript = R"lua(
local pool, me, channel, run = KEYS[1], ARGV[1], ARGV[7], ARGV[9]
local lease, known, returned = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local want, limit, learn_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local state, rows = {}, {}
local fields = redis.call('HGETALL', pool)
for i = 1, #fields, 2 do
  local name, value = fields[i], fields[i + 1]
  local ends, granted, released, wanted, ticket = string.match(value, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  if string.sub(name, 1, 8) ~= 'replica:' then
    state[name] = value
  elseif ends then
    rows[string.sub(name, 9)] = {ends = tonumber(ends), granted = tonumber(granted), released = tonumber(released),
                                 want = tonumber(wanted), ticket = tonumber(ticket)}
  end
end
local learn, tickets = tonumber(state.learn) or 0, tonumber(state.tickets) or 0

local function held(row) return row.granted - row.released end
local function instance(replica) return string.match(replica, '^(.*):[^:]*$') or replica end
local function next_ticket()
  tickets = tickets + 1
  return tickets
end

if not state.run and #fields > 0 then
  redis.call('DEL', pool)
  rows = {}
end
if not state.run or (run ~= '' and run ~= state.run) then learn = now + learn_ms end

-- The clock was set back: what lies ahead moves with it.
local back = (tonumber(state.seen) or now) - now
if back > 0 then
  learn = learn - back
  for _, row in pairs(rows) do row.ends = row.ends - back end
end

local mine = rows[me]
local absent = not mine or mine.ends <= now
local new = not mine and known == 0 and returned == 0
local live, silent_holder = 1, false
for replica, row in pairs(rows) do
  local restarted = instance(replica) == instance(me)
  local over = row.ends <= now or (new and restarted)
  if replica ~= me and over then
    silent_holder = silent_holder or (held(row) > 0 and not restarted)
    rows[replica] = nil
    redis.call('HDEL', pool, 'replica:' .. replica)
  elseif replica ~= me then
    live = live + 1
  end
end
if silent_holder and absent and live == 1 then learn = math.max(learn, now + learn_ms) end

mine = mine or {granted = 0, released = 0, ticket = 0}
rows[me] = mine
mine.ends = now + lease
mine.granted = math.max(mine.granted, known)
mine.released = math.min(math.max(mine.released, returned), mine.granted)
-- It may not have heard yet of a part of what it wants.
mine.want = math.max(0, want - (mine.granted - known))
if mine.want == 0 then mine.ticket = 0 elseif mine.ticket == 0 then mine.ticket = next_ticket() end

local used, queue, changed = 0, {}, {[me] = mine}
for replica, row in pairs(rows) do
  if back > 0 then changed[replica] = row end
  used = used + held(row)
  if row.want > 0 then queue[#queue + 1] = replica end
end
table.sort(queue, function(a, b) return rows[a].ticket < rows[b].ticket end)

local share = math.ceil(limit / live)
local function first_in_turn()
  for i, replica in ipairs(queue) do
    if held(rows[replica]) < share then return i, share - held(rows[replica]) end
  end
  return 1, limit
end
while now >= learn and used < limit and #queue > 0 do
  local equal_part = math.max(1, math.floor((limit - used) / #queue))
  local turn, most = first_in_turn()
  local replica = table.remove(queue, turn)
  local row = rows[replica]
  local give = math.min(row.want, most, equal_part)
  row.granted, row.want, used = row.granted + give, row.want - give, used + give
  row.ticket = row.want > 0 and next_ticket() or 0
  if row.want > 0 then queue[#queue + 1] = replica end
  changed[replica] = row
end

-- Lua's tostring would round numbers to 14 digits.
for replica, row in pairs(changed) do
  redis.call('HSET', pool, 'replica:' .. replica, string.format('%.0f %.0f %.0f %.0f %.0f',
             row.ends, row.granted, row.released, row.want, row.ticket))
  if replica ~= me then redis.call('PUBLISH', channel .. replica, '') end
end
redis.call('HSET', pool, 'run', run ~= '' and run or state.run or 'unknown', 'limit', ARGV[6],
           'seen', string.format('%.0f', now), 'learn', string.format('%.0f', math.max(0, learn)),
           'tickets', string.format('%.0f', tickets))

local others_waiting = #queue - (mine.want > 0 and 1 or 0)
local longest_hold = 7200000
local holds, held_routes = {}, redis.call('HGETALL', KEYS[2])
for i = 1, #held_routes, 2 do
  local ends, bursts = string.match(held_routes[i + 1], '^(%d+) (%d+)$')
  local left = (tonumber(ends) or 0) - now
  if left > 0 and left <= longest_hold then
    holds[#holds + 1] = string.format('%.0f %s %s', left, bursts, held_routes[i])
  end
end
return {mine.granted, mine.released, limit, used, live, others_waiting, math.max(0, learn - now), holds}
)lua";

}  // namespace

std::string_view PermitScript() { return kScript; }

}  // namespace llmbatch::admission
