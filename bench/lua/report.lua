-- Shared by all scripts: files of lines, counted answers, and the result for the harness, which is one line of JSON.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- The lines of a file.
function lines_of(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return lines
end

-- Makes a connection pause between two requests, for a load with a constant rate.
function rest(milliseconds)
  if milliseconds > 0 then
    function delay()
      return milliseconds
    end
  end
end

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds; long nanos; } moment; int clock_gettime(int clock, moment *at);")

local function micros()
  local at = ffi.new("moment")
  ffi.C.clock_gettime(1, at)
  return tonumber(at.seconds) * 1e6 + tonumber(at.nanos) / 1e3
end

local begun
took = 0

-- To be called at each request of a run that may end early.
function tick()
  begun = begun or micros()
end

-- Ends the run now. wrk itself would wait for its full time and divide by that.
function stop()
  if took == 0 then
    took = micros() - begun
    wrk.thread:stop()
  end
end

statuses = {}

-- Counts an answer by its status. Only scripts that need the answers do this, because it costs wrk time.
function count(status)
  local name = tostring(status)
  statuses[name] = (statuses[name] or 0) + 1
end

function done(summary, latency, requests)
  local counted, micros = {}, summary.duration
  for _, thread in ipairs(threads) do
    for status, times in pairs(thread:get("statuses")) do
      counted[status] = (counted[status] or 0) + times
    end
    if thread:get("took") > 0 then
      micros = thread:get("took")
    end
  end
  local parts = {}
  for status, times in pairs(counted) do
    parts[#parts + 1] = string.format('"%s":%d', status, times)
  end
  local failed = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"micros":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"refused":%d,' ..
      '"p50":%d,"p90":%d,"p99":%d,"max":%d,"statuses":{%s}}\n',
    summary.requests, micros, failed.connect, failed.read, failed.write, failed.timeout, failed.status,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max, table.concat(parts, ",")))
end
