-- POST requests, each with the next JSON body of a file: PATH BODIES again|once [REST]

dofile(os.getenv("KEYWARD_BENCH_LUA") .. "/report.lua")

local path, bodies, once, next_one

function init(args)
  path = args[1]
  bodies = lines_of(args[2])
  once = args[3] == "once"
  rest(tonumber(args[4] or 0))
  next_one = 0
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  next_one = next_one + 1
  if once and next_one == 2 then
    tick()
  end
  if next_one > #bodies then
    if once then
      stop()
      next_one = #bodies
    else
      next_one = 1
    end
  end
  return wrk.format(nil, path, nil, bodies[next_one])
end

function response(status)
  count(status)
end
