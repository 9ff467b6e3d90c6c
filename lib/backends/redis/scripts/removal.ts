/** What removes. Each of these succeeds on a server that is out of memory. */
import { ANNOUNCE, HEAD, MARK, META, script, STAMPS, type Script } from './script.js';

/** Labels of a shard whose stamps are kept. Beyond it the floor rises to the oldest: more is invalid, never less. */
const MAX_LABELS = 4_096;
/** Labels forgotten at once. */
const FORGOTTEN = 64;

/**
 * Removes entries and their leases, and ticks the clock: a copy validated before is not valid after. A shard that has
 * no meta hash has nothing valid and grants nothing, so nothing has to be noted.
 * KEYS meta index expiries then entry lease per id | ARGV headerBytes labels(how many) label… id…
 * → {incarnation, floor, headers of what stood there, stamps of the labels}
 */
export const EVICT: Script = script(
  META,
  HEAD,
  ANNOUNCE,
  STAMPS,
  `
local heads, last = {}, 2 + tonumber(ARGV[2])
for n = 1, #ARGV - last do
  local entry, lease = KEYS[2 + n * 2], KEYS[3 + n * 2]
  redis.call('DEL', lease)
  heads[n] = head(entry, tonumber(ARGV[1]))
  redis.call('UNLINK', entry)
  zrem(KEYS[2], ARGV[last + n])
  zrem(KEYS[3], ARGV[last + n])
end
local i, c, q, f = known_meta(KEYS[1])
if not i then
  announce('', 0)
  return {'', '0', heads, {}}
end
redis.call('HSET', KEYS[1], 'c', num(math.max(c + 1, now_us())), 'q', num(q + 1))
announce(i, q + 1)
return {i, num(f), heads, stamps(KEYS[1], 3, last)}
`,
);

/**
 * Removes bytes that no reader can use, if they still stand there. A lease stays: its load stores what is right.
 * KEYS entry index expiries | ARGV length firstBytes id → 1, or 0: something else stands there
 */
export const DISCARD: Script = script(`
local entry, length = KEYS[1], tonumber(ARGV[1])
if redis.call('GETRANGE', entry, 0, #ARGV[2] - 1) ~= ARGV[2] then return 0 end
if redis.call('GETRANGE', entry, length, length) ~= '' then return 0 end
if length > 0 and redis.call('GETRANGE', entry, length - 1, length - 1) == '' then return 0 end
redis.call('UNLINK', entry)
redis.call('ZREM', KEYS[2], ARGV[3])
redis.call('ZREM', KEYS[3], ARGV[3])
return 1
`);

/**
 * Invalidates labels ('f': the floor, 'p': a pattern is about to be walked). O(1) in entries.
 * KEYS meta labels | ARGV kind(label|f|p) label… → {incarnation, clock, previousFloor, previousStamps}
 */
export const INVALIDATE: Script = script(
  META,
  ANNOUNCE,
  STAMPS,
  `
is_other(redis.pcall('HDEL', KEYS[1], '_'))
local i, c, q, f, b, p = known_meta(KEYS[1])
if not i then
  announce('', 0)
  return {'', '0', '0', {}}
end
announce(i, q + 1)
local before = stamps(KEYS[1], 2, #ARGV)
if #ARGV > 1 and is_other(redis.pcall('ZCARD', KEYS[2])) then redis.call('UNLINK', KEYS[2]) end
local left = redis.call('PTTL', KEYS[1])
c = math.max(c + 1, now_us())
local now = num(c)
local function begin_anew()
  redis.call('UNLINK', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'i', i, 'c', now, 'q', num(q + 1), 'f', now, 'b', now, 'p', num(p))
  if left > 0 then redis.call('PEXPIRE', KEYS[1], left) end
end
if ARGV[1] ~= 'label' then redis.call('HSET', KEYS[1], ARGV[1], now) end
-- Nothing older is valid, so an index that has lost members is complete again from here on.
if ARGV[1] == 'f' then redis.call('HDEL', KEYS[1], 'x') end
for j = 2, #ARGV do
  redis.call('HSET', KEYS[1], ARGV[j], now)
  redis.call('ZADD', KEYS[2], now, ARGV[j])
end
redis.call('HSET', KEYS[1], 'c', now, 'q', num(q + 1), 'b', now)
if #ARGV > 1 then
  if left > 0 then redis.call('PEXPIRE', KEYS[2], left) else redis.call('PERSIST', KEYS[2]) end
  if redis.call('ZCARD', KEYS[2]) > ${MAX_LABELS} then
    local old = redis.call('ZPOPMIN', KEYS[2], ${FORGOTTEN})
    local floor = f
    for j = 1, #old, 2 do
      redis.call('HDEL', KEYS[1], old[j])
      floor = math.max(floor, tonumber(old[j + 1]))
    end
    redis.call('HSET', KEYS[1], 'f', num(floor))
  end
  if redis.call('HLEN', KEYS[1]) > ${2 * MAX_LABELS} then begin_anew() end
end
return {i, now, num(f), before}
`,
);

/** The beginnings of entries and their lengths. KEYS entry… | ARGV headerBytes → {header, bytes, header, bytes…} */
export const VISIT: Script = script(
  HEAD,
  `
local found = {}
for n = 1, #KEYS do
  found[n * 2 - 1] = head(KEYS[n], tonumber(ARGV[1]))
  found[n * 2] = found[n * 2 - 1] == '' and 0 or redis.call('STRLEN', KEYS[n])
end
return found
`,
);

/**
 * Removes entries that are still the ones seen, and drops from the index what is no longer there.
 * KEYS index expiries meta entry… | ARGV id mark id mark… → for each 1 removed, 0 gone before, 2 another by now
 */
export const REMOVE: Script = script(
  META,
  ANNOUNCE,
  MARK,
  `
local outcomes = {}
for n = 1, #ARGV / 2 do
  local entry, id = KEYS[n + 3], ARGV[n * 2 - 1]
  local now = mark(entry)
  if now ~= '' and now ~= ARGV[n * 2] then
    outcomes[n] = 2
  else
    outcomes[n] = now == '' and 0 or redis.call('UNLINK', entry)
    zrem(KEYS[1], id)
    zrem(KEYS[2], id)
  end
end
if channel ~= '' then
  local i, c, q = known_meta(KEYS[3])
  if i then announce_store(KEYS[3], i, q) else announce('', 0) end
end
return outcomes
`,
);
