-- What wrk sends, and the one line by which it reports. Arguments after "--": KIND [NUMBER].
--   same           the request that wrk makes of its URL, again and again
--   echo BYTES     POST with so many octets of content
--   json BYTES     POST of a JSON object of so many octets
--   route TARGET   GET of this target, the last number of whose path differs in every request
--   browser        nine field lines as a browser sends them; the target and the cookie differ in every request
--   fields COUNT   so many field lines, the last of which differs in every request

local made = 0 -- requests so far: what differs is this number

local function differing(head)
  -- A global `request` is what wrk calls for every request; without one it repeats the first.
  request = function()
    made = made + 1
    return head .. made .. "\r\n\r\n"
  end
end

local function browser(host)
  local section = " HTTP/1.1\r\nHost: " .. host .. "\r\n" ..
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" ..
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" ..
    "Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n" ..
    "Accept-Encoding: gzip, deflate, br\r\n" ..
    "Referer: http://" .. host .. "/\r\n" ..
    "Connection: keep-alive\r\n" ..
    "Sec-Fetch-Site: same-origin\r\n" ..
    "Cookie: theme=dark; session=5f2c9a4e77d1; seen="
  request = function()
    made = made + 1
    return "GET /?page=" .. made .. section .. made .. "\r\n\r\n"
  end
end

-- The target with another number of the order each time.
local function route(host, target)
  local before, after = target:match("^(.*/)%d+(%?.*)$")
  local rest = after .. " HTTP/1.1\r\nHost: " .. host .. "\r\nAccept: application/json\r\n\r\n"
  request = function()
    made = made + 1
    return "GET " .. before .. made .. rest
  end
end

local function fields(host, count)
  local lines = { "GET / HTTP/1.1\r\nHost: " .. host .. "\r\n" }
  for number = 2, count - 1 do
    lines[#lines + 1] = string.format("X-Field-%d: a value of ordinary length\r\n", number)
  end
  differing(table.concat(lines) .. "X-Last: ")
end

function init(arguments)
  local kind, number = arguments[1], tonumber(arguments[2])
  if kind == "echo" then
    wrk.method, wrk.body = "POST", string.rep("x", number)
    wrk.headers["Content-Type"] = "application/octet-stream"
  elseif kind == "json" then
    wrk.method, wrk.body = "POST", '{"text":"' .. string.rep("x", number - 11) .. '"}'
    wrk.headers["Content-Type"] = "application/json"
  elseif kind == "route" then
    route(wrk.headers["Host"], arguments[2])
  elseif kind == "browser" then
    browser(wrk.headers["Host"])
  elseif kind == "fields" then
    fields(wrk.headers["Host"], number)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'bench {"requests": %d, "microseconds": %d, "bytes": %d, "p50": %d, "p99": %d, "errors": ' ..
    '{"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
