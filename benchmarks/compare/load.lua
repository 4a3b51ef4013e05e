-- Requests for wrk: one query, other variables each time. wrk ... -s load.lua URL -- QUERY_FILE WORKLOAD DIALECT
-- From the environment: BENCH_SEED, BENCH_KEY, BENCH_USERS, BENCH_FIRST, BENCH_TOKEN, and BENCH_CHECK=1 to read every answer.

local random, format = math.random, string.format
local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

local function quoted(text)
  return '"' .. text:gsub("%s+", " "):gsub('[\\"]', "\\%0") .. '"'
end

local function order(dialect, users, key)
  local chosen, items = {}, {}
  while #items < 3 do
    local product = random(10000)
    if not chosen[product] then
      chosen[product] = true
      local id = dialect == "shop" and format('"prod_%d"', product) or product
      table.insert(items, format('{"productId":%s,"quantity":%d}', id, random(3)))
    end
  end
  local list, user = table.concat(items, ","), random(users)
  if dialect == "shop" then
    return format('{"input":{"idempotencyKey":"%s","userId":"user_%d","items":[%s]}}', key, user, list)
  end
  return format('{"userId":%d,"items":[%s]}', user, list)
end

function init(args)
  local file, workload, dialect = args[1], args[2], args[3]
  local seed, key, users = os.getenv("BENCH_SEED"), os.getenv("BENCH_KEY"), tonumber(os.getenv("BENCH_USERS"))
  local first, token = tonumber(os.getenv("BENCH_FIRST") or 50), os.getenv("BENCH_TOKEN")
  local shop = dialect == "shop"
  math.randomseed(tonumber(seed) + number)
  made, errors, checked = 0, 0, 0

  local handle = assert(io.open(file))
  local start = '{"query":' .. quoted(handle:read("*a")) .. ',"variables":'
  handle:close()

  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Accept"] = "application/json"
  if token then wrk.headers["Authorization"] = "Bearer " .. token end

  local variables = {
    W1 = function() return format(shop and '{"id":"prod_%d"}' or '{"id":%d}', random(10000)) end,
    W2 = function() return format('{"first":%d}', first) end,
    W3 = function() return format(shop and '{"id":"user_%d"}' or '{"id":%d}', random(users)) end,
    W4 = function() return '{"first":20,"n":20}' end,
    W5 = function() return order(dialect, users, format("%s-%d-%d", key, number, made)) end,
  }
  local draw = variables[workload]
  request = function()
    made = made + 1
    return wrk.format(nil, nil, nil, start .. draw() .. "}")
  end
  if os.getenv("BENCH_CHECK") then
    response = function(status, _, body)
      checked = checked + 1
      local refused = body:find('"errors"', 1, true) or body:find('"createOrder":{}', 1, true)
      if status ~= 200 or refused then errors = errors + 1 end
    end
  end
end

function done(summary, latency, _)
  local errors, checked, failed = 0, 0, summary.errors
  for _, thread in ipairs(threads) do
    errors, checked = errors + thread:get("errors"), checked + thread:get("checked")
  end
  io.write(format(
    'RESULT {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"max":%d,"refused":%d,"broken":%d,"checked":%d,"errors":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), latency.max,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout, checked, errors))
end
