#include "admission/permit_script.h"

#include <string>

#include "admission/adaptive_script.h"

namespace llmbatch::admission {
namespace {

constexpr std::string_view kScript = R"lua(
local hash, me, run, channel, relearn = KEYS[1], ARGV[1], ARGV[4], ARGV[5], ARGV[6] == '1'
local lease, learn_ms, pool_count = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[7])
local wait_per_level, patience = 5000, 30000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local classes = {}
local function class_of(name)
  local class = classes[name]
  if class then return class end
  local pools, weight = string.match(name, '^(.-)%*(%d+)$')
  class = {pools = {}, has = {}, weight = math.max(1, tonumber(weight) or 1)}
  for pool in string.gmatch(pools or name, '[^+]+') do
    class.pools[#class.pools + 1] = pool
    class.has[pool] = true
  end
  classes[name] = class
  return class
end
local function held(entry) return entry.granted - entry.released end
local function instance(replica) return string.match(replica, '^(.*):[^:]*$') or replica end

local state, rows, limits = {}, {}, {}
local fields = redis.call('HGETALL', hash)
for i = 1, #fields, 2 do
  local name, value = fields[i], fields[i + 1]
  local ends, users, rest = string.match(value, '^(%d+) (%d*) ?(.*)$')
  if string.sub(name, 1, 6) == 'limit:' then
    limits[string.sub(name, 7)] = tonumber(value)
  elseif string.sub(name, 1, 8) ~= 'replica:' then
    state[name] = value
  elseif ends then
    local row = {ends = tonumber(ends), users = tonumber(users) or 1, entries = {}, holds = false}
    rows[string.sub(name, 9)] = row
    for class, granted, released, want, ticket, priority, since in
        string.gmatch(rest, '(%a%S*) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)') do
      local entry = {granted = tonumber(granted), released = tonumber(released), want = tonumber(want),
                     ticket = tonumber(ticket), priority = tonumber(priority), since = tonumber(since)}
      row.entries[class] = entry
      row.holds = row.holds or held(entry) > 0
    end
  end
end
local learn, tickets = tonumber(state.learn) or 0, tonumber(state.tickets) or 0
local function next_ticket()
  tickets = tickets + 1
  return tickets
end

if not state.run and #fields > 0 then
  redis.call('DEL', hash)
  rows, limits, state = {}, {}, {}
end
if not state.run or (run ~= '' and run ~= state.run) then learn = now + learn_ms end

-- The clock was set back: what lies ahead moves with it.
local back = (tonumber(state.seen) or now) - now
if back > 0 then
  learn = learn - back
  for _, row in pairs(rows) do
    row.ends = row.ends - back
    for _, entry in pairs(row.entries) do entry.since = math.max(0, entry.since - back) end
  end
end

local at, adapting = 9, {}
local function set_limit(name, limit)
  if limits[name] ~= limit then redis.call('HSET', hash, 'limit:' .. name, string.format('%.0f', limit)) end
  limits[name] = limit
end
for _ = 1, pool_count do
  local name, report = ARGV[at], ARGV[at + 2]
  if report == '' then
    set_limit(name, tonumber(ARGV[at + 1]))
  else
    report = read_report(report)
    adapting[#adapting + 1] = {pool = name, report = report,
                               adaptive = read_adaptive(state['adaptive:' .. name], report, now, math.max(0, back))}
  end
  at = at + 3
end
local first_demand, mine = at, rows[me]
local new = not mine
for i = first_demand, #ARGV, 5 do
  new = new and ARGV[i + 1] == '0' and ARGV[i + 2] == '0'
end

local absent = not mine or mine.ends <= now
local alone, silent_holder = true, false
for replica, row in pairs(rows) do
  if replica ~= me and not (new and instance(replica) == instance(me)) then
    alone = alone and row.ends <= now
    silent_holder = silent_holder or (row.ends <= now and row.holds)
  end
end
relearn = relearn and alone
local live, rank, changed = 1, 0, {}
for replica, row in pairs(rows) do
  if replica ~= me then
    local restarted = new and instance(replica) == instance(me)
    if relearn and row.ends <= now and row.holds and not restarted then
      row.ends, changed[replica] = now + 2 * learn_ms, row
      for _, entry in pairs(row.entries) do entry.want, entry.ticket = 0, 0 end
    end
    if row.ends <= now or restarted then
      rows[replica] = nil
      redis.call('HDEL', hash, 'replica:' .. replica)
    else
      live = live + 1
      if replica < me then rank = rank + 1 end
    end
  end
end
if relearn or (silent_holder and absent and alone) then learn = math.max(learn, now + learn_ms) end

mine = mine or {entries = {}}
rows[me], changed[me], mine.ends, mine.users = mine, mine, now + lease, math.max(1, tonumber(ARGV[8]))
for i = first_demand, #ARGV, 5 do
  local known, returned, want = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local entry = mine.entries[ARGV[i]] or {granted = 0, released = 0, ticket = 0, since = now}
  mine.entries[ARGV[i]] = entry
  entry.granted = math.max(entry.granted, known)
  entry.released = math.min(math.max(entry.released, returned), entry.granted)
  -- It may not have heard yet of a part of what it wants.
  entry.want, entry.priority = math.max(0, want - (entry.granted - known)), tonumber(ARGV[i + 4])
  if entry.want == 0 then
    entry.ticket = 0
  elseif entry.ticket == 0 then
    entry.ticket, entry.since = next_ticket(), now
  end
end

local used, waiting, top = {}, {}, 0
for replica, row in pairs(rows) do
  if back > 0 then changed[replica] = row end
  for name, entry in pairs(row.entries) do
    local class = class_of(name)
    for _, pool in ipairs(class.pools) do
      used[pool] = (used[pool] or 0) + held(entry) * class.weight
    end
    if entry.want > 0 then
      waiting[#waiting + 1] = {replica = replica, row = row, entry = entry, class = class}
      top = math.max(top, entry.priority)
    end
  end
end
-- A share is by the users of a replica, of all who want or have permits of the pool.
local users = {}
for _, row in pairs(rows) do
  local counted = {}
  for name, entry in pairs(row.entries) do
    for _, pool in ipairs(class_of(name).pools) do
      if not counted[pool] and (entry.want > 0 or held(entry) > 0) then
        counted[pool], users[pool] = true, (users[pool] or 0) + row.users
      end
    end
  end
end
local function left(pool) return (limits[pool] or 1e9) - (used[pool] or 0) end
for _, each in ipairs(adapting) do
  if adaptive_on_report(each.adaptive, each.report, used[each.pool] or 0, now) then
    -- Whoever holds something must hear of it before it starts more.
    for replica, row in pairs(rows) do
      if row.holds then changed[replica] = row end
    end
  end
  set_limit(each.pool, each.adaptive.limit)
end

-- In which order they come, as long as nothing is granted.
local function rank_waiting()
  for _, each in ipairs(waiting) do
    local entry, class = each.entry, each.class
    each.level = math.min(top, entry.priority + math.floor((now - entry.since) / wait_per_level))
    each.most = math.huge
    for _, pool in ipairs(class.pools) do
      local own = 0
      for name, other in pairs(each.row.entries) do
        if class_of(name).has[pool] then own = own + held(other) * class_of(name).weight end
      end
      local share = math.ceil((limits[pool] or 1e9) * each.row.users / users[pool])
      each.most = math.min(each.most, math.ceil((share - own) / class.weight))
    end
    each.last = each.most > 0 and 0 or 1
  end
  table.sort(waiting, function(a, b)
    if a.level ~= b.level then return a.level > b.level end
    if a.last ~= b.last then return a.last < b.last end
    return a.entry.ticket < b.entry.ticket
  end)
end

-- The place of the one that is next, and for how many of its calls there is room.
local function next_in_turn()
  local reserved, someone_patient = {}, false
  for i, each in ipairs(waiting) do
    local class, room = each.class, math.huge
    for _, pool in ipairs(class.pools) do
      room = math.min(room, math.floor((left(pool) - (reserved[pool] or 0)) / class.weight))
    end
    if room >= 1 then return i, room end
    local patient = not someone_patient and now - each.entry.since >= patience
    someone_patient = someone_patient or patient
    for place, pool in ipairs(class.pools) do
      if (patient and place > 1) or (class.weight > 1 and left(pool) < class.weight) then
        reserved[pool] = (reserved[pool] or 0) + class.weight
      end
    end
  end
end

local all = ARGV[9]
local function grant()
  while now >= learn and #waiting > 0 and left(all) > 0 do
    rank_waiting()
    local turn, room = next_in_turn()
    if not turn then break end
    local each = waiting[turn]
    local entry = each.entry
    local give = math.min(entry.want, math.max(1, math.floor(room / #waiting)))
    if each.last == 0 then give = math.min(give, each.most) end
    entry.granted, entry.want, entry.since = entry.granted + give, entry.want - give, now
    for _, pool in ipairs(each.class.pools) do used[pool] = used[pool] + give * each.class.weight end
    entry.ticket = entry.want > 0 and next_ticket() or 0
    if entry.want == 0 then table.remove(waiting, turn) end
    changed[each.replica] = each.row
  end
end
grant()

-- Whether someone waits for what this pool alone has too little of.
local function is_full(pool)
  for _, each in ipairs(waiting) do
    local full = each.class.has[pool] or false
    for _, other in ipairs(each.class.pools) do
      full = full and (left(other) < each.class.weight) == (other == pool)
    end
    if full then return true end
  end
  return false
end
local found = {}
for i, each in ipairs(adapting) do
  if now >= learn and is_full(each.pool) and adaptive_on_full(each.adaptive, each.report, live, now) then
    set_limit(each.pool, each.adaptive.limit)
    grant()
  end
  redis.call('HSET', hash, 'adaptive:' .. each.pool, write_adaptive(each.adaptive))
  found[3 * i - 2], found[3 * i - 1], found[3 * i] = each.adaptive.limit, each.adaptive.version, each.adaptive.change
end

-- Lua's tostring would round numbers to 14 digits.
for replica, row in pairs(changed) do
  local texts = {string.format('%.0f %.0f', row.ends, row.users)}
  for name, entry in pairs(row.entries) do
    texts[#texts + 1] = string.format('%s %.0f %.0f %.0f %.0f %.0f %.0f', name, entry.granted, entry.released,
                                      entry.want, entry.ticket, entry.priority, entry.since)
  end
  redis.call('HSET', hash, 'replica:' .. replica, table.concat(texts, ' '))
  if replica ~= me then redis.call('PUBLISH', channel .. replica, '') end
end
redis.call('HSET', hash, 'run', run ~= '' and run or state.run or 'unknown',
           'seen', string.format('%.0f', now), 'learn', string.format('%.0f', math.max(0, learn)),
           'tickets', string.format('%.0f', tickets))

-- How many others would take what a class gives back.
local function others_waiting(name)
  local class, count = class_of(name), 0
  for _, each in ipairs(waiting) do
    local would = each.entry ~= mine.entries[name]
    for _, pool in ipairs(each.class.pools) do
      would = would and (class.has[pool] or left(pool) >= each.class.weight)
    end
    if would then count = count + 1 end
  end
  return count
end
local grants, in_use = {}, {}
for i = first_demand, #ARGV, 5 do
  local entry = mine.entries[ARGV[i]]
  grants[#grants + 1], grants[#grants + 2], grants[#grants + 3] =
      entry.granted, entry.released, others_waiting(ARGV[i])
end
for i = 9, first_demand - 3, 3 do in_use[#in_use + 1] = used[ARGV[i]] or 0 end

local longest_hold = 7200000
local holds, held_routes = {}, redis.call('HGETALL', KEYS[2])
for i = 1, #held_routes, 2 do
  local ends, bursts = string.match(held_routes[i + 1], '^(%d+) (%d+)$')
  local hold_left = (tonumber(ends) or 0) - now
  if hold_left > 0 and hold_left <= longest_hold then
    holds[#holds + 1] = string.format('%.0f %s %s', hold_left, bursts, held_routes[i])
  end
end
return {grants, in_use, live, rank, math.max(0, learn - now), holds, found}
)lua";

}  // namespace

std::string_view PermitScript() {
  static const std::string kWhole = std::string(AdaptiveScript()) + std::string(kScript);
  return kWhole;
}

}  // namespace llmbatch::admission
