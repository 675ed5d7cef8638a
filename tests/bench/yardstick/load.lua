-- What wrk sends to server.mjs: each call a contact of its own. Its last line is one of JSON.
local number = 0
local run

function init(args)
  run = args[1]
end

function request()
  number = number + 1
  local body = string.format(
    '{"request_id":"bench-%s-%012d","source":"bench","external_key":"%s-%d","kind":"PERSON",' ..
    '"display_name":"Ada Lovelace","given_name":"Ada","family_name":"Lovelace",' ..
    '"emails":["Lovelace%d@example.com"],"phones":["+1415%07d"],"language_code":"en-US","region_code":"US"}',
    run, number, run, number, number, 2000000 + number % 7000000)
  return wrk.format("POST", "/contacts", { ["Content-Type"] = "application/json" }, body)
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"rate":%.1f,"calls":%d,"failed":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests / (summary.duration / 1e6), summary.requests,
    e.status + e.connect + e.read + e.write + e.timeout, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3))
end
