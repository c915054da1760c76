-- Takes a unit of each counter or of none, by the decision of auth_domain::rate, which see. KEYS: the counters, one a claim;
-- one that is named twice is asked for two. ARGV: now and the slack of the clocks, then for each key its limit's interval, its
-- window and the part of the window that is a reserve for others, all in microseconds. Answers with 1 if all was granted or 0, and
-- with each counter as the decision found it, 0 for none. Microseconds since 1970 are exact in Lua's numbers until the year 2255;
-- they are written without an exponent.
local now, slack = tonumber(ARGV[1]), tonumber(ARGV[2])
local tats, answer = {}, {1}
for i, key in ipairs(KEYS) do
  local interval, window, reserve = tonumber(ARGV[i * 3]), tonumber(ARGV[i * 3 + 1]), tonumber(ARGV[i * 3 + 2])
  local found = tats[key] or tonumber(redis.call('GET', key)) or 0
  local tat = math.max(found, now)
  if tat - now > window + slack then
    tat = now + window - reserve - interval
  end
  if tat + interval - now > window - reserve then
    answer[1] = 0
  else
    tats[key] = tat + interval
  end
  answer[i + 1] = found
end
if answer[1] == 1 then
  for key, tat in pairs(tats) do
    redis.call('SET', key, string.format('%.0f', tat), 'PX', string.format('%.0f', math.ceil((tat - now) / 1000)))
  end
end
return answer
