-- Takes one unit of every counter, or of none. The decision is that of auth_domain::rate (GCRA).
-- KEYS: one counter for each permit. A counter that is listed twice gives two units.
-- ARGV: the time and the clock slack; then, for each key, its limit's interval, its window, and the part of the window that is
-- reserved for others. All are in microseconds.
-- Returns 1 if all permits were granted, else 0, followed by each counter as the decision found it (0 for none).
-- Lua's numbers represent microseconds since 1970 exactly until the year 2255. They are written without an exponent.
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
