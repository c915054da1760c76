-- A realistic mix: of 1,000 requests 940 are token checks, 30 /me, 28 refreshes, 1 sign-in and 1 sign-out: BASE ACCESS REFRESH LOGINS
-- Every answer with a refresh token adds it to a stack; a refresh and a sign-out each take one from it.

dofile(os.getenv("KEYWARD_BENCH_LUA") .. "/report.lua")

local base, logins, stack
local verify, me = {}, {}
local turn, next_token, next_login = 0, 0, 0

function init(args)
  base = args[1]
  local access = lines_of(args[2])
  stack = lines_of(args[3])
  logins = lines_of(args[4])
  for i, token in ipairs(access) do
    local headers = { ["Authorization"] = "Bearer " .. token }
    verify[i] = wrk.format("GET", base .. "/verify", headers)
    me[i] = wrk.format("GET", base .. "/me", headers)
  end
end

local json = { ["Content-Type"] = "application/json" }

local function with_refresh_token(path)
  local token = table.remove(stack)
  if not token then
    error("fewer tokens than connections")
  end
  return wrk.format("POST", base .. path, json, '{"refresh_token":"' .. token .. '"}')
end

function request()
  -- A step that is coprime to 1,000 spreads the rare requests.
  turn = (turn + 387) % 1000
  if turn < 1 then
    next_login = next_login % #logins + 1
    return wrk.format("POST", base .. "/login", json, logins[next_login])
  elseif turn < 2 then
    return with_refresh_token("/logout")
  elseif turn < 30 then
    return with_refresh_token("/refresh")
  end
  next_token = next_token % #verify + 1
  if turn < 60 then
    return me[next_token]
  end
  return verify[next_token]
end

function response(status, headers, body)
  count(status)
  local token = string.match(body, '"refresh_token":"([^"]+)"')
  if token then
    stack[#stack + 1] = token
  end
end
