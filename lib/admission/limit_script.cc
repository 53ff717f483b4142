#include "admission/limit_script.h"

namespace llmbatch::admission {
namespace {

constexpr std::string_view kScript = R"lua(
local rates, epochs, me, run, prefix = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[6]
local learn_ms, horizon, burst = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local max_debt, budget_retry, rates_ttl, row_lease_ms = 120000000, 1000000, 600000, 30000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local at = 6
local function text()
  at = at + 1
  return ARGV[at]
end
local function number() return tonumber(text()) end
-- Lua's tostring would round numbers to 14 digits.
local function whole(value) return string.format('%.0f', value) end
local function instance(replica) return string.match(replica, '^(.*):[^:]*$') or replica end
local function row_of(value)
  local spent, reserved, told = string.match(value, '^(%-?%d+) (%-?%d+) (%d+)$')
  return tonumber(spent) or 0, tonumber(reserved) or 0, tonumber(told) or 0
end

local known = redis.call('HMGET', epochs, 'epoch', 'learn', 'run')
local epoch, learn = tonumber(known[1]), tonumber(known[2]) or 0
if not epoch or (run ~= '' and run ~= known[3]) then
  epoch, learn = math.max(now, (epoch or 0) + 1), now + learn_ms * 1000
  redis.call('HSET', epochs, 'epoch', whole(epoch), 'learn', whole(learn), 'run', run)
end
-- The clock may have been set back.
learn = math.min(learn, now + learn_ms * 1000)

local function look_at_budget(limit)
  local key, past, past_changed = prefix .. limit.name, 0, false
  local rows = redis.call('HGETALL', key)
  limit.used, limit.spent = limit.mine_spent + limit.mine_reserved, limit.mine_spent
  for i = 1, #rows, 2 do
    local replica = rows[i]
    local spent, reserved, told = row_of(rows[i + 1])
    if replica == 'past' then
      past = past + spent
    elseif replica ~= me and instance(replica) == instance(me) then
      past, past_changed = past + spent + reserved, true
      redis.call('HDEL', key, replica)
    elseif replica ~= me then
      limit.used, limit.spent = limit.used + spent + reserved, limit.spent + spent
      if now / 1000 - told > row_lease_ms then limit.spent = limit.spent + reserved end
    end
  end
  limit.used, limit.spent = limit.used + past, limit.spent + past
  if past_changed then redis.call('HSET', key, 'past', whole(past) .. ' 0 0') end
end

local limits = {}
for i = 1, number() do
  local limit = {budget = text() == 'b', name = text(), size = number(), mine_spent = number(),
                 mine_reserved = number(), keep = text()}
  if limit.budget then
    look_at_budget(limit)
  else
    limit.unit = 60000000 / limit.size
    -- Neither far ahead, as the clock may have been set back, nor behind.
    limit.used_until = tonumber(redis.call('HGET', rates, limit.name)) or now
    limit.used_until = math.max(now, math.min(limit.used_until, now + max_debt))
  end
  limits[i] = limit
end

for _ = 1, number() do
  local limit, amount = limits[number()], number()
  if not limit.budget then
    limit.used_until = math.min(limit.used_until + amount * limit.unit, now + max_debt)
  end
end
for _ = 1, number() do
  local limit, amount = limits[number()], number()
  if not limit.budget then
    limit.used_until = math.max(limit.used_until, now + burst - amount * limit.unit)
  end
end

local kLater, kBooked, kExhausted = 0, 1, 2
local answer = {}
for _ = 1, number() do
  local charges, outcome, wait, which = {}, kBooked, 0, 0
  local function refuse(as, most, place)
    if outcome == kExhausted or (outcome == as and wait >= most) then return end
    outcome, wait, which = as, most, place
  end
  for k = 1, number() do
    local place, amount = number(), number()
    local limit = limits[place]
    charges[k] = {limit = limit, amount = amount}
    if limit.budget then
      if amount > limit.size - limit.spent then
        refuse(now < learn and kLater or kExhausted, budget_retry, place)
      elseif now < learn or amount > limit.size - limit.used then
        refuse(kLater, math.max(budget_retry, learn - now), place)
      end
    else
      local ahead, cost = math.max(0, limit.used_until - now), amount * limit.unit
      if limit.passed_over or ahead > horizon then
        refuse(kLater, math.max(ahead - horizon / 2, horizon / 2), place)
        limit.passed_over = true
      else
        -- What is larger than a burst may go when nothing is used up, or it would never.
        local start = ahead + cost - math.max(burst, cost)
        if outcome == kBooked and start > wait then wait, which = start, place end
      end
    end
  end
  if outcome == kBooked then
    for _, each in ipairs(charges) do
      local limit = each.limit
      if limit.budget then
        limit.mine_reserved, limit.used = limit.mine_reserved + each.amount, limit.used + each.amount
      else
        limit.used_until = math.min(math.max(limit.used_until, now) + each.amount * limit.unit, now + max_debt)
      end
    end
  end
  answer[#answer + 1] = outcome
  answer[#answer + 1] = math.ceil(wait)
  answer[#answer + 1] = which
end

local head, changed = {epoch}, {}
for i, limit in ipairs(limits) do
  head[i + 1] = limit.used or 0
  if limit.budget then
    redis.call('HSET', prefix .. limit.name, me, whole(limit.mine_spent) .. ' ' .. whole(limit.mine_reserved) .. ' ' .. whole(math.floor(now / 1000)))
    redis.call('PEXPIRE', prefix .. limit.name, limit.keep)
  else
    changed[#changed + 1] = limit.name
    changed[#changed + 1] = whole(limit.used_until)
  end
end
if #changed > 0 then
  redis.call('HSET', rates, unpack(changed))
  redis.call('PEXPIRE', rates, rates_ttl)
end
for i = 1, #answer do head[#head + 1] = answer[i] end
return head
)lua";

}  // namespace

std::string_view LimitScript() { return kScript; }

}  // namespace llmbatch::admission
