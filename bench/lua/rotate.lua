-- Refreshes in chains: each answer's token is the next one to be sent: PATH TOKENS [REST]
-- A token is sent by one connection at a time: it is taken from the front of the line, and its successor goes to the end.

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
  local token = line[first]
  if not token then
    error("fewer tokens than connections")
  end
  line[first] = nil
  first = first + 1
  return wrk.format(nil, path, nil, '{"refresh_token":"' .. token .. '"}')
end

function response(status, headers, body)
  count(status)
  if status == 200 then
    last = last + 1
    line[last] = string.match(body, '"refresh_token":"([^"]+)"')
  end
end
