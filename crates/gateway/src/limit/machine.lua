-- The machine of bucket.rs and book.rs, as one call of a server that all gateways share (docs/spec/gateway-limits.md).
-- Every number is whole and below 2^53, where doubles are exact.

local call, number, floor = redis.call, tonumber, math.floor
local MOST = 4503599627370496 -- 2^52: no bucket counts further

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local now, leases, word = now_ms(), KEYS[1], ARGV[1]

-- A bucket, drained up to now.
local function open(raw, limit, tick, ticks)
  local used, held, rest, at, before = 0, 0, 0, 0, limit
  if raw then used, held, rest, at, before = struct.unpack('<ddddd', raw) end
  if ticks > 0 then
    local tock = floor(now / tick)
    local elapsed = tock - at
    if elapsed < 0 then elapsed = 0 else at = tock end
    local part = elapsed % ticks * before + rest
    rest = math.fmod(part, ticks)
    local whole = (elapsed - elapsed % ticks) / ticks * before + (part - rest) / ticks
    if whole >= used then used, rest = 0, 0 else used = used - whole end
  end
  return used, held, rest, at, before
end

-- Keeps a bucket for as long as it says something that an empty one does not.
local function put(key, tick, ticks, used, held, rest, at, limit)
  if used == 0 and held == 0 then return call('DEL', key) end
  local state = struct.pack('<ddddd', used, held, rest, at, limit)
  if ticks <= 0 or held > 0 or limit == 0 then return call('SET', key, state) end
  return call('SET', key, state, 'PX', math.min(math.ceil(used * ticks / limit) * tick + 60000, 100000000000000))
end

-- Ends a lease; `used` says what each of its buckets came to, and without it they came to what was held.
local function ended(lease, used)
  if call('ZREM', leases, lease) == 0 then return 0 end
  local n = 0
  for key, limit, tick, ticks, held in string.gmatch(lease, '|(%S+) (%S+) (%S+) (%S+) ([^ |]+)') do
    n, tick, ticks, held = n + 1, number(tick), number(ticks), number(held)
    local was, holds, rest, at, of = open(call('GET', key), number(limit), tick, ticks)
    if ticks >= 0 then was = math.min(was + (used and used[n] or held), MOST) end
    put(key, tick, ticks, was, math.max(0, holds - held), rest, at, of)
  end
  return 1
end

if word == 'reserve' then
  local raws = call('MGET', unpack(KEYS, 2))
  local told, fits, at_of, all = { 1, now }, true, {}, {}
  for i = 1, #raws do
    local j = i * 5
    local limit, tick, ticks, want = number(ARGV[j - 1]), number(ARGV[j]), number(ARGV[j + 1]), number(ARGV[j + 2])
    local used, held, rest, at, before = open(raws[i], limit, tick, ticks)
    -- What drained up to now did so by the limit that held.
    if limit ~= before then rest = 0 end
    local room = limit - used - held
    if room < want and want > 0 then fits = false end
    told[i * 3], told[i * 3 + 1], told[i * 3 + 2] = used, rest, held
    at_of[i], all[j - 4], all[j - 3], all[j - 2], all[j - 1] = at, limit, tick, ticks, want
  end
  if not fits then
    told[1] = 0
    return told
  end
  for i = 1, #raws do
    local j, used, held = i * 5, told[i * 3], told[i * 3 + 2]
    if ARGV[j + 3] == '1' then used = math.min(used + all[j - 1], MOST) else held = held + all[j - 1] end
    told[i * 3], told[i * 3 + 2] = used, held
    put(KEYS[i + 1], all[j - 3], all[j - 2], used, held, told[i * 3 + 1], at_of[i], all[j - 4])
  end
  if ARGV[3] ~= '' then call('ZADD', leases, now + number(ARGV[2]), ARGV[3]) end
  return told
elseif word == 'settle' then
  local at, settled = 2, 0
  while ARGV[at] do
    local used = {}
    for i = 1, number(ARGV[at + 1]) do used[i] = number(ARGV[at + 1 + i]) end
    settled = settled + ended(ARGV[at], used)
    at = at + 2 + #used
  end
  return settled
elseif word == 'sweep' then
  local late = call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, number(ARGV[2]))
  for _, lease in ipairs(late) do ended(lease, nil) end
  return #late
elseif word == 'renew' then
  for i = 3, #ARGV do call('ZADD', leases, 'XX', now + number(ARGV[2]), ARGV[i]) end
  return #ARGV - 2
elseif word == 'look' then
  local told = { now }
  for k = 2, #KEYS do
    local j = k * 3
    local limit, tick, ticks = number(ARGV[j - 4]), number(ARGV[j - 3]), number(ARGV[j - 2])
    local used, held, rest, at, before = open(call('GET', KEYS[k]), limit, tick, ticks)
    if limit ~= before then rest = 0 end
    local n = #told
    told[n + 1], told[n + 2], told[n + 3] = used, rest, held
  end
  return told
end
