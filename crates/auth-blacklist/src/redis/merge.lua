-- Merges revocations into the stored ones; nothing is ever withdrawn.
-- KEYS: the keys. ARGV, three for each key: the number, the expiry in milliseconds since 1970, and the milliseconds until that expiry
-- by the writer's clock. The larger number wins. So does the latest of three expiries: the stored one, the given one, and the one
-- computed by this server's clock, so that a server whose clock is ahead does not expire the key too early.
-- Numbers reach 2^63 - 1, which Lua's numbers do not: they are compared as digits.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for i, key in ipairs(KEYS) do
  local number = ARGV[i * 3 - 2]
  local ends = math.max(tonumber(ARGV[i * 3 - 1]), now + tonumber(ARGV[i * 3]))
  local there = redis.pcall('GET', key)
  if type(there) == 'string' and string.match(there, '^%d+$') then
    if #there > #number or (#there == #number and there > number) then
      number = there
    end
    local left = redis.call('PTTL', key)
    if left > 0 then
      ends = math.max(ends, now + left)
    end
  end
  redis.call('SET', key, number)
  redis.call('PEXPIREAT', key, string.format('%.0f', ends))
end
return {}
