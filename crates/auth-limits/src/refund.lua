-- Gives one unit back to each counter.
-- KEYS: the counters. ARGV: the time, then for each key its limit's interval, in microseconds.
local now = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local tat = (tonumber(redis.call('GET', key)) or 0) - tonumber(ARGV[i + 1])
  if tat > now then
    redis.call('SET', key, string.format('%.0f', tat), 'PX', string.format('%.0f', math.ceil((tat - now) / 1000)))
  else
    redis.call('DEL', key)
  end
end
return {#KEYS}
