#include "admission/adaptive_script.h"

namespace llmbatch::admission {
namespace {

constexpr std::string_view kScript = R"lua(
local good_after, at_once, slow_step = 400, 50, 1000
local rate_like, most_rate_like = 2, 3
local by_start, by_growth, by_refusal, by_latency = 0, 1, 2, 3
local function part(amount, of) return math.max(1, math.floor(amount / of)) end
local function clamp(value, least, most) return math.max(least, math.min(most, value)) end

local function numbers_of(text)
  local numbers = {}
  for number in string.gmatch(text or '', '%d+') do numbers[#numbers + 1] = tonumber(number) end
  return numbers
end

local function read_report(text)
  local n = numbers_of(text)
  return {least = n[1], most = n[2], known = n[3], version = n[4], answers = n[5], answer_time = n[6],
          refused = n[7], held = n[8], quick_part = n[9], refused_ago = n[10]}
end

local function read_adaptive(text, report, now, back)
  local n = numbers_of(text)
  if #n == 13 then
    return {limit = n[1], good = n[2], version = n[3], cut = n[4], since = math.max(0, n[5] - back),
            wait = n[6], streak = n[7], rate_like = n[8], cut_since = math.max(0, n[9] - back),
            area = n[10], refusal_time = n[11], ever_cut = n[12] == 1, change = n[13]}
  end
  local version = math.max(now, report.version + 1)
  local limit = clamp(report.known, report.least, report.most)
  return {limit = limit, good = limit, version = version, cut = version, since = now, wait = good_after,
          streak = 0, rate_like = 0, cut_since = now, area = 0, refusal_time = 0, ever_cut = report.known > 0,
          change = by_start}
end

local function write_adaptive(a)
  return string.format('%.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f', a.limit, a.good, a.version,
                       a.cut, a.since, a.wait, a.streak, a.rate_like, a.cut_since, a.area,
                       a.refusal_time, a.ever_cut and 1 or 0, a.change)
end

local function next_step(a)
  if not a.ever_cut then return a.limit end
  return math.min(part(a.limit, 25) * 2 ^ clamp(a.streak - 4, 0, 10), part(a.limit, 4))
end

local function pause(a, report)
  local held, answer_time = report.held, report.answer_time
  local cost = held == 0 and 0 or math.floor(held * held / (held + 2 * answer_time))
  return clamp(math.max(40 * cost, math.floor(150 * answer_time / math.max(1, a.limit))), 7000, 60000)
end

local function wait_for_step(a, report)
  local least = math.max(good_after, 2 * a.refusal_time)
  if a.rate_like < rate_like then return least end
  return math.max(least, slow_step, math.floor(60 * report.answer_time / math.max(1, a.limit)))
end

local function cut_for_refusal(a, report, used, now)
  a.refusal_time = clamp(report.refused_ago, 0, 60000)
  local started = now - a.refusal_time
  local lasted, time = started - a.since, started - a.cut_since
  a.area = a.area + a.limit * math.max(0, lasted)
  local grew, was_good = a.streak > 0, lasted >= good_after
  if not grew and not was_good then
    a.limit = math.floor(a.limit * 3 / 4)
    a.wait = wait_for_step(a, report)
    return
  end
  a.rate_like = clamp(a.rate_like + (grew and lasted < at_once and -1 or 1), 0, most_rate_like)
  if a.rate_like >= rate_like and time >= slow_step then
    a.limit = math.min(a.limit - part(a.limit, 25), math.floor(a.area * 24 / (25 * time)))
    a.wait = pause(a, report)
  elseif grew then
    local wide = a.limit - a.good > part(a.limit, 25)
    a.limit = a.good
    a.wait = wide and not was_good and wait_for_step(a, report) or pause(a, report)
  else
    a.limit = math.min(a.limit, math.max(used + 1, math.floor(a.limit / 2)))
    a.limit = a.limit - part(a.limit, 20)
    a.wait = wait_for_step(a, report)
  end
end

local function cut_for_latency(a, report)
  local quick = math.floor(a.limit * report.quick_part / 1000)
  a.limit = clamp(quick, math.floor(a.limit / 2), a.limit - part(a.limit, 10))
  a.wait = math.max(pause(a, report), math.min(60000, 3 * report.answer_time))
  a.rate_like = most_rate_like
end

local function adaptive_on_report(a, report, used, now)
  a.limit = clamp(a.limit, report.least, report.most)
  local refused = report.refused >= a.cut and report.refused <= a.version
  if not refused and not (report.quick_part > 0 and report.version == a.version) then return false end
  local begin = now
  if refused then
    cut_for_refusal(a, report, used, now)
    begin, a.change = now + report.held, by_refusal
  else
    cut_for_latency(a, report)
    a.change = by_latency
  end
  a.limit = clamp(a.limit, report.least, report.most)
  a.good, a.streak, a.area, a.since, a.cut_since = a.limit, 0, 0, begin, begin
  a.version = a.version + 1
  a.cut, a.ever_cut = a.version, true
  return true
end

local function adaptive_on_full(a, report, live, now)
  local step = next_step(a)
  if report.version ~= a.version or a.limit >= report.most or now < a.since + a.wait or
      report.answers * live < (a.ever_cut and step or part(step, 2)) then
    return false
  end
  a.area = a.area + a.limit * (now - a.since)
  a.good, a.limit = a.limit, math.min(report.most, a.limit + step)
  a.streak, a.version, a.since, a.wait = a.streak + 1, a.version + 1, now, wait_for_step(a, report)
  a.change = by_growth
  return true
end
)lua";

}  // namespace

std::string_view AdaptiveScript() { return kScript; }

}  // namespace llmbatch::admission
