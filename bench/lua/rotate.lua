-- Refreshes in chains, in which the token of each answer is sent next: PATH TOKENS [REST]
-- A token is sent by one connection at a time: it is taken from the front of the queue, and its successor is added to the end.
-- A token whose refresh failed has no successor. When the queue is empty, an invalid token is sent, so that the refusal is counted.

dofile(os.getenv("KEYWARD_BENCH_LUA") .. "/report.lua")

local path, line
local first, last = 1, 0

function init(args)
  path = args[1]
  line = lines_of(args[2])
  last = #line
  rest(tonumber(args[3] or 0))
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local token = line[first] or "none.is.left"
  if line[first] then
    line[first] = nil
    first = first + 1
  end
  return wrk.format(nil, path, nil, '{"refresh_token":"' .. token .. '"}')
end

function response(status, headers, body)
  count(status)
  if status == 200 then
    last = last + 1
    line[last] = string.match(body, '"refresh_token":"([^"]+)"')
  end
end
