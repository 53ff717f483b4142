#include "jobs/record_script.h"

namespace llmbatch::jobs {
namespace {

constexpr std::string_view kScript = R"lua(
-- user content workflow task priority status created started updated completed sequence percent
-- event result request topic identity retry_of epoch cancel; a large result or request is named by
-- result_key or request_key instead
local key, operation, prefix = KEYS[1], ARGV[1], ARGV[2]
local now, lifetime, id = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local final = {completed = true, failed = true, cancelled = true}
local max_inline_bytes = 16384
-- No id makes a key of one kind look like one of another.
local members_key, batches_key = prefix .. 'job-members:' .. id, prefix .. 'job-batches:' .. id
local text_keys = {request = prefix .. 'job-request:' .. id, result = prefix .. 'job-result:' .. id}

local function get(field) return redis.call('HGET', key, field) or '' end

-- A request or result. What is large stands under a key of its own, so that reading a record stays
-- cheap; it is there before the record names it.
local function keep_text(field, text)
  if #text <= max_inline_bytes then return redis.call('HSET', key, field, text) end
  redis.call('SET', text_keys[field], text, 'PX', lifetime)
  redis.call('HSET', key, field .. '_key', text_keys[field])
end
local function kept_text(field)
  local place = get(field .. '_key')
  return place == '' and get(field) or redis.call('GET', place) or ''
end
local function touch()
  for _, each in ipairs({key, members_key, batches_key, text_keys.request, text_keys.result}) do
    redis.call('PEXPIRE', each, lifetime)
  end
end
local function put(index, score)
  redis.call('ZADD', index, score, id)
  redis.call('PEXPIRE', index, lifetime)
end
local function mark(index)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now - lifetime)
  put(index, now)
end
-- Puts the job under its status, and takes it from the one before.
local function move(user, before, status)
  if before ~= '' and before ~= status then
    redis.call('ZREM', prefix .. 'jobs:status:' .. before, id)
    redis.call('ZREM', prefix .. 'jobs:user-' .. before .. ':' .. user, id)
  end
  mark(prefix .. 'jobs:status:' .. status)
  mark(prefix .. 'jobs:user-' .. status .. ':' .. user)
end

if operation == 'take' then
  local user, content = ARGV[6], ARGV[7]
  local owner, before = get('user'), get('status')
  -- Redis may have evicted the text and not the record: then the result is made once more.
  local lost = owner == user and get('content') == content and final[before] and
    get('result_key') ~= '' and kept_text('result') == ''
  if owner == '' or lost then
    local wanted = owner == '' and get('cancel')
    redis.call('DEL', key, members_key, batches_key, text_keys.request, text_keys.result)
    redis.call('HSET', key, 'user', user, 'content', content, 'workflow', ARGV[8], 'task', ARGV[9],
      'priority', ARGV[10], 'topic', ARGV[12], 'identity', ARGV[13],
      'retry_of', ARGV[14], 'status', 'queued', 'created', ARGV[3], 'updated', ARGV[3],
      'epoch', 1, 'sequence', 0, 'percent', 0)
    keep_text('request', ARGV[11])
    redis.call('PEXPIRE', key, lifetime)
    redis.call('ZREMRANGEBYSCORE', prefix .. 'jobs:user:' .. user, '-inf', now - lifetime)
    put(prefix .. 'jobs:user:' .. user, now)
    put(prefix .. 'jobs:open', (9 - tonumber(ARGV[10])) * 1e14 + now)
    move(user, before, 'queued')
    return {'new', '1', '0', '0', '', '', ARGV[13], wanted == user and '1' or '', 'queued'}
  end
  if owner ~= user then return {'other_user', '0', '0', '0', '', '', '', '', ''} end
  if get('content') ~= content then return {'other_content', '0', '0', '0', '', '', '', '', ''} end
  local state, members = 'ended', {}
  if not final[get('status')] then
    state = 'interrupted'
    redis.call('HINCRBY', key, 'epoch', 1)
    touch()
    members = redis.call('HGETALL', members_key)
    -- What was open is not any more: whoever takes the job makes batches of its own.
    local batches = redis.call('HGETALL', batches_key)
    for i = 1, #batches, 2 do
      local open = string.find(batches[i + 1], '"status":"pending"', 1, true) or
        string.find(batches[i + 1], '"status":"in_progress"', 1, true)
      if open then redis.call('HDEL', batches_key, batches[i]) end
    end
  end
  local taken = {state, get('epoch'), get('sequence'), get('percent'), get('event'),
    state == 'ended' and kept_text('result') or '', get('identity'), get('cancel'), get('status')}
  for _, each in ipairs(members) do taken[#taken + 1] = each end
  return taken
end

if operation == 'save' then
  local before, user = get('status'), get('user')
  if before == '' or final[before] or get('epoch') ~= ARGV[6] then return 0 end
  local status = ARGV[7]
  local batches = 13 + 2 * tonumber(ARGV[12])
  for i = 13, #ARGV, 2 do
    redis.call('HSET', i < batches and members_key or batches_key, ARGV[i], ARGV[i + 1])
  end
  touch()
  if ARGV[8] ~= '0' then
    redis.call('HSET', key, 'status', status, 'updated', ARGV[3], 'sequence', ARGV[8],
      'percent', ARGV[9], 'event', ARGV[10])
    if before == 'queued' then redis.call('HSET', key, 'started', ARGV[3]) end
    if ARGV[11] ~= '' then keep_text('result', ARGV[11]) end
    if final[status] then
      redis.call('HSET', key, 'completed', ARGV[3])
      redis.call('ZREM', prefix .. 'jobs:open', id)
    end
    redis.call('PEXPIRE', prefix .. 'jobs:user:' .. user, lifetime)
    move(user, before, status)
  end
  return not final[status] and get('cancel') ~= '' and 2 or 1
end

local user = get('user')
if operation == 'member' then
  if user == '' then return {'unknown', '', ''} end
  local status = get('status')
  return {final[status] and 'ended' or 'open', status,
    redis.call('HGET', members_key, ARGV[6]) or ''}
end
if user == '' then
  if operation == 'cancel' then
    redis.call('HSET', key, 'cancel', ARGV[6])
    redis.call('PEXPIRE', key, lifetime)
  end
  return {'unknown', ''}
end
if user ~= ARGV[6] then return {'other_user', ''} end
local status = get('status')
if operation == 'cancel' then
  if final[status] then return {'illegal', status} end
  redis.call('HSET', key, 'cancel', '1')
  redis.call('PUBLISH', prefix .. 'jobs:control', id)
  return {'done', status}
end
if status ~= 'failed' and status ~= 'cancelled' then return {'illegal', status} end
return {'done', status, kept_text('request'), get('topic'), get('identity')}
)lua";

std::string Join(std::string_view prefix, std::string_view kind, std::string_view name) {
  return std::string(prefix) + std::string(kind) + std::string(name);
}

}  // namespace

std::string_view RecordScript() { return kScript; }

std::string RecordKey(std::string_view prefix, std::string_view job_id) {
  return Join(prefix, "job:", job_id);
}
std::string BatchesKey(std::string_view prefix, std::string_view job_id) {
  return Join(prefix, "job-batches:", job_id);
}
std::string UserKey(std::string_view prefix, std::string_view user_id) {
  return Join(prefix, "jobs:user:", user_id);
}
std::string UserStatusKey(std::string_view prefix, std::string_view user_id,
                          std::string_view status) {
  return Join(prefix, "jobs:user-", status) + ":" + std::string(user_id);
}
std::string StatusKey(std::string_view prefix, std::string_view status) {
  return Join(prefix, "jobs:status:", status);
}
std::string ControlChannel(std::string_view prefix) { return Join(prefix, "jobs:control", ""); }

}  // namespace llmbatch::jobs
