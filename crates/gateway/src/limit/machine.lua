-- The machine of bucket.rs and book.rs, as one call of a server that all gateways share (docs/spec/gateway-limits.md).
-- Every number is whole and below 2^53, where doubles are exact. Keys: the set of leases first; words: what is to be done first.

local MOST = 4503599627370496 -- 2^52: no bucket counts further

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local now = now_ms()

-- A bucket, drained up to now.
local function open(raw, limit, tick, ticks)
  local used, held, rest, at, before = 0, 0, 0, 0, limit or 0
  if raw then used, held, rest, at, before = struct.unpack('<ddddd', raw) end
  if ticks > 0 then
    local tock = math.floor(now / tick)
    local elapsed = math.max(0, tock - at)
    at = math.max(at, tock)
    local part = elapsed % ticks * before + rest
    rest = math.fmod(part, ticks)
    local whole = (elapsed - elapsed % ticks) / ticks * before + (part - rest) / ticks
    if whole >= used then used, rest = 0, 0 else used = used - whole end
  end
  -- What drained up to now did so by the limit that held.
  if limit and limit ~= before then before, rest = limit, 0 end
  return used, held, rest, at, before
end

-- Keeps a bucket for as long as it says something that an empty one does not.
local function put(key, tick, ticks, used, held, rest, at, limit)
  if used == 0 and held == 0 then return redis.call('DEL', key) end
  local state = struct.pack('<ddddd', used, held, rest, at, limit)
  if ticks == 0 or held > 0 or limit == 0 then return redis.call('SET', key, state) end
  return redis.call('SET', key, state, 'PX', math.min(math.ceil(used * ticks / limit) * tick + 60000, 100000000000000))
end

local function settle(key, limit, tick, ticks, held, used)
  local raw = redis.call('GET', key)
  local was, holds, rest, at, limit = open(raw, not raw and limit or nil, tick, ticks)
  if ticks >= 0 then was = math.min(was + used, MOST) end
  put(key, tick, math.max(ticks, 0), was, math.max(0, holds - held), rest, at, limit)
end

local does = {}

-- KEYS: leases, the lease, buckets. ARGV: `reserve`, how long the lease lasts in ms; for each bucket its limit, a tick in ms, ticks in
-- the stretch (0: for ever, -1: a moment), what is wanted, and 1 where that is used at once. Tells 1 or 0, then used, rest and held of each.
function does.reserve()
  local raws = redis.call('MGET', unpack(KEYS, 3))
  local told, fits, record = { 1, now }, true, {}
  local at_of, limit_of = {}, {}
  for i = 1, #raws do
    local limit, tick, ticks, want = tonumber(ARGV[i * 5 - 2]), tonumber(ARGV[i * 5 - 1]), tonumber(ARGV[i * 5]), tonumber(ARGV[i * 5 + 1])
    local used, held, rest, at = open(raws[i], limit, tick, ticks)
    if math.max(0, limit - used - held) < want then fits = false end
    told[i * 3], told[i * 3 + 1], told[i * 3 + 2] = used, rest, held
    at_of[i], limit_of[i] = at, limit
  end
  if not fits then
    told[1] = 0
    return told
  end
  for i = 1, #raws do
    local tick, ticks, want = tonumber(ARGV[i * 5 - 1]), tonumber(ARGV[i * 5]), tonumber(ARGV[i * 5 + 1])
    if ARGV[i * 5 + 2] == '1' then
      told[i * 3] = math.min(told[i * 3] + want, MOST)
    else
      told[i * 3 + 2] = told[i * 3 + 2] + want
      local n = #record
      record[n + 1], record[n + 2], record[n + 3], record[n + 4], record[n + 5] = KEYS[i + 2], limit_of[i], tick, ticks, want
    end
    put(KEYS[i + 2], tick, math.max(ticks, 0), told[i * 3], told[i * 3 + 2], told[i * 3 + 1], at_of[i], limit_of[i])
  end
  if #record > 0 then
    redis.call('SET', KEYS[2], cmsgpack.pack(record))
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), KEYS[2])
  end
  return told
end

-- Ends a lease; `used` says what each of its buckets came to, and without it they came to what was held.
local function ended(lease, used)
  local record = redis.call('GET', lease)
  redis.call('ZREM', KEYS[1], lease)
  if not record then return 0 end
  redis.call('DEL', lease)
  record = cmsgpack.unpack(record)
  for i = 1, #record / 5 do
    local held = record[i * 5]
    settle(record[i * 5 - 4], record[i * 5 - 3], record[i * 5 - 2], record[i * 5 - 1], held, used and used[i] or held)
  end
  return 1
end

-- KEYS: leases, then each lease. ARGV: `settle`, then for each lease how many buckets it holds something of, and what each came to.
-- A lease that is not there any more was settled in full. Tells how many were.
function does.settle()
  local at, settled = 2, 0
  for k = 2, #KEYS do
    local used = {}
    for i = 1, tonumber(ARGV[at]) do used[i] = tonumber(ARGV[at + i]) end
    at = at + 1 + #used
    settled = settled + ended(KEYS[k], used)
  end
  return settled
end

-- ARGV: `sweep`, how many at most. Leases that nobody settled or renewed in time are settled in full. Tells how many.
function does.sweep()
  local late = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[2]))
  for _, lease in ipairs(late) do ended(lease, nil) end
  return #late
end

-- KEYS: leases, then each lease. ARGV: `renew`, how long they last from now on in ms.
function does.renew()
  for k = 2, #KEYS do redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[2]), KEYS[k]) end
  return #KEYS - 1
end

-- KEYS: leases, then buckets. ARGV: `look`; for each bucket its limit, a tick and the ticks. Tells now, then used, rest and held of each.
function does.look()
  local told = { now }
  for k = 2, #KEYS do
    local used, held, rest = open(redis.call('GET', KEYS[k]), tonumber(ARGV[k * 3 - 4]), tonumber(ARGV[k * 3 - 3]), tonumber(ARGV[k * 3 - 2]))
    told[#told + 1], told[#told + 2], told[#told + 3] = used, rest, held
  end
  return told
end

return does[ARGV[1]]()
