-- Requests without a body, each with the next bearer token of a file: METHOD PATH TOKENS|- again|once [REST]
-- `again` starts over after the last token; `once` ends the run there, so that no token is sent twice.

dofile(os.getenv("KEYWARD_BENCH_LUA") .. "/report.lua")

local before, after, tokens, once, next_one
local made = {}

function init(args)
  local method, path, file = args[1], args[2], args[3]
  once = args[4] == "once"
  rest(tonumber(args[5] or 0))
  next_one = 0
  if file == "-" then
    made[1] = wrk.format(method, path)
    tokens = { "" }
    return
  end
  tokens = lines_of(file)
  wrk.headers["Authorization"] = "Bearer @"
  before, after = string.match(wrk.format(method, path), "^(.-)@(.*)$")
  if not once then
    for i, token in ipairs(tokens) do
      made[i] = before .. token .. after
    end
  end
end

function request()
  next_one = next_one + 1
  if once and next_one == 2 then
    -- wrk requests the first one before the run, only to inspect it.
    tick()
  end
  if next_one > #tokens then
    if once then
      -- wrk no longer waits for the answer to this request.
      stop()
      return before .. tokens[#tokens] .. after
    end
    next_one = 1
  end
  return made[next_one] or (before .. tokens[next_one] .. after)
end
