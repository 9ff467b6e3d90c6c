/**
 * What runs on the server. Every script touches only keys it declares, all of one hash tag, so it runs on a single
 * server, in a cluster and on Dragonfly. Entries are opaque here: a script compares their mark (their first 16 bytes),
 * never looks inside. Each write begins with a command that is allowed when the server is out of memory, so that
 * invalidations succeed then too.
 *
 * Per shard, inside the hash tag:
 *   e:<id>  entry     bytes sealed by the codec (or a counter, see COUNT)
 *   l:<id>  lease     token|incarnation|stamp, with its own expiry
 *   m       meta      hash: i incarnation, c clock, q sequence of invalidations, f floor, b last bulk invalidation,
 *                     p last pattern invalidation, x index begun; and one field per label: its stamp
 *   k       index     sorted set of ids, all of score 0, so ordered by text; '!' marks that it is complete
 *   x       expiries  sorted set of the same ids by the time they expire
 *
 * Clock c = max(c + 1, the server's microseconds) at every invalidation. Stamps are c as it stood when a lease was
 * granted. A meta hash that was lost comes back with another incarnation: then nothing older is valid.
 */
import { createHash } from 'node:crypto';

export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** Reads the meta hash, or begins a new life of the shard under the nonce. */
const META = `
local function now_us() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end
local function num(n) return string.format('%.0f', n) end
local function meta(key, nonce)
  local m = redis.call('HMGET', key, 'i', 'c', 'q', 'f', 'b', 'p')
  if m[1] then return m[1], tonumber(m[2]), tonumber(m[3]), tonumber(m[4]), tonumber(m[5]), tonumber(m[6]) end
  local c = now_us()
  redis.call('HSET', key, 'i', nonce, 'c', num(c), 'q', '0', 'f', num(c), 'b', num(c), 'p', '0')
  return nonce, c, 0, c, c, 0
end
local function keep(key, ms)
  local left = redis.call('PTTL', key)
  if ms == 0 then redis.call('PERSIST', key) elseif left >= 0 and left < ms then redis.call('PEXPIRE', key, num(ms)) end
end
`;

/** Puts an id into the index and drops a few that have expired. ARGV: id ('' no index), milliseconds kept (0: for ever). */
const INDEX = `
local function index(k, x, m, id, ms)
  if id == '' then return end
  local now = math.floor(now_us() / 1000)
  redis.call('ZADD', k, 0, '!', 0, id)
  redis.call('HSET', m, 'x', '1')
  if ms == 0 then redis.call('ZREM', x, id) else redis.call('ZADD', x, num(now + ms), id) end
  local old = redis.call('ZRANGEBYSCORE', x, '-inf', num(now), 'LIMIT', 0, 4)
  for _, gone in ipairs(old) do redis.call('ZREM', k, gone) redis.call('ZREM', x, gone) end
end
`;

/** The mark of an entry; a key of another type is not ours and goes. */
const MARK = `
local function mark(key)
  local e = redis.pcall('GETRANGE', key, 0, 15)
  if type(e) == 'table' then redis.call('UNLINK', key) return '' end
  return e
end
local function whole(key)
  local e = redis.pcall('GET', key)
  if type(e) == 'table' or not e then return '' end
  return e
end
`;

/** Stamps of labels, in their order; '' where nothing was invalidated. */
const STAMPS = `
local function stamps(key, from)
  if #ARGV < from then return {} end
  local names = {}
  for j = from, #ARGV do names[#names + 1] = ARGV[j] end
  local found = redis.call('HMGET', key, unpack(names))
  for j = 1, #names do if not found[j] then found[j] = '' end end
  return found
end
`;

function script(...pieces: readonly string[]): Script {
  const source = pieces.join('\n');
  return Object.freeze({ source, sha: createHash('sha1').update(source).digest('hex') });
}

/**
 * KEYS entry meta lease | ARGV token leaseMs nonce purpose(missing|refresh|replace) seenMark label…
 * → {0, entry, incarnation, floor, serverMs, stamps}           found: something the asker has not seen
 *   {1, isSeenStill, incarnation, floor, serverMs, stamps, clock}   granted
 *   {2, token}                                                 held by another
 */
export const LEASE: Script = script(
  META,
  MARK,
  STAMPS,
  `
local i, c, q, f, b = meta(KEYS[2], ARGV[3])
local seen = mark(KEYS[1])
local ms = num(math.floor(now_us() / 1000))
if ARGV[4] == 'missing' and seen ~= '' and seen ~= ARGV[5] then
  return {0, whole(KEYS[1]), i, num(f), ms, stamps(KEYS[2], 6)}
end
if ARGV[4] ~= 'replace' then
  local held = redis.call('GET', KEYS[3])
  if held then
    local token, life, stamp = string.match(held, '^([^|]*)|([^|]*)|(%d+)$')
    if token and life == i and tonumber(stamp) >= b then return {2, token} end
  end
end
redis.call('SET', KEYS[3], ARGV[1] .. '|' .. i .. '|' .. num(c), 'PX', ARGV[2])
keep(KEYS[2], tonumber(ARGV[2]) * 2)
return {1, (seen ~= '' and seen == ARGV[5]) and 1 or 0, i, num(f), ms, stamps(KEYS[2], 6), num(c)}
`,
);

/**
 * KEYS entry meta lease index expiries | ARGV lease(token|incarnation|stamp) incarnation stamp keptMs bytes indexId label…
 * → 1 stored, 0 lease lost, -1 invalidated
 */
export const FILL: Script = script(
  META,
  INDEX,
  STAMPS,
  `
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[3])
local m = redis.call('HMGET', KEYS[2], 'i', 'f', 'p')
local stamp = tonumber(ARGV[3])
if m[1] ~= ARGV[2] or tonumber(m[2]) > stamp or tonumber(m[3]) > stamp then return -1 end
for _, at in ipairs(stamps(KEYS[2], 7)) do if at ~= '' and tonumber(at) > stamp then return -1 end end
local ms = tonumber(ARGV[4])
if ms == 0 then redis.call('SET', KEYS[1], ARGV[5]) else redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[4]) end
keep(KEYS[2], ms == 0 and 0 or ms * 2)
index(KEYS[4], KEYS[5], KEYS[2], ARGV[6], ms)
return 1
`,
);

/**
 * An explicit write, born now. The envelope was sealed under an incarnation and a stamp; if the shard has been reborn or
 * something was invalidated in bulk since that stamp, nothing is written and the writer seals again.
 * KEYS entry meta lease index expiries | ARGV nonce incarnation stamp keptMs bytes indexId
 * → {1} or {0, incarnation, clock}
 */
export const WRITE: Script = script(
  META,
  INDEX,
  `
redis.call('DEL', KEYS[3])
local i, c, q, f, b = meta(KEYS[2], ARGV[1])
if i ~= ARGV[2] or tonumber(ARGV[3]) < b then return {0, i, num(c)} end
local ms = tonumber(ARGV[4])
if ms == 0 then redis.call('SET', KEYS[1], ARGV[5]) else redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[4]) end
keep(KEYS[2], ms == 0 and 0 or ms * 2)
index(KEYS[4], KEYS[5], KEYS[2], ARGV[6], ms)
return {1}
`,
);

/** Puts other bytes in the place of an entry that is still the one seen. KEYS entry meta index expiries | ARGV seenMark keptMs bytes indexId → 1 or 0 */
export const SWAP: Script = script(
  META,
  INDEX,
  MARK,
  `
if mark(KEYS[1]) ~= ARGV[1] then return 0 end
local ms = tonumber(ARGV[2])
if ms == 0 then redis.call('SET', KEYS[1], ARGV[3]) else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2]) end
keep(KEYS[2], ms == 0 and 0 or ms * 2)
index(KEYS[3], KEYS[4], KEYS[2], ARGV[4], ms)
return 1
`,
);

/** KEYS lease | ARGV lease leaseMs → 1 or 0 */
export const RENEW: Script = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`);

/** KEYS lease | ARGV lease → 1 or 0 */
export const RELEASE: Script = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);

/**
 * Removes entries and their leases, and ticks the clock: a copy validated before is not valid after.
 * KEYS meta index expiries then entry lease per id | ARGV nonce headerBytes id…
 * → {incarnation, clock, floor, headers of what stood there}
 */
export const EVICT: Script = script(
  META,
  `
local heads = {}
for n = 1, #ARGV - 2 do
  local entry, lease = KEYS[2 + n * 2], KEYS[3 + n * 2]
  redis.call('DEL', lease)
  local head = redis.pcall('GETRANGE', entry, 0, tonumber(ARGV[2]))
  heads[n] = type(head) == 'table' and '' or head
  redis.call('UNLINK', entry)
  redis.call('ZREM', KEYS[2], ARGV[2 + n])
  redis.call('ZREM', KEYS[3], ARGV[2 + n])
end
local i, c, q, f = meta(KEYS[1], ARGV[1])
c = math.max(c + 1, now_us())
redis.call('HSET', KEYS[1], 'c', num(c), 'q', num(q + 1))
return {i, num(c), num(f), heads}
`,
);

/**
 * Invalidates labels ('f': the floor, 'p': a pattern is about to be walked). O(1) in entries.
 * KEYS meta | ARGV nonce kind(label|f|p) label… → {incarnation, clock, previousStamps…}
 */
export const INVALIDATE: Script = script(
  META,
  STAMPS,
  `
redis.call('HDEL', KEYS[1], '_')
local i, c, q, f = meta(KEYS[1], ARGV[1])
local before = stamps(KEYS[1], 3)
c = math.max(c + 1, now_us())
if ARGV[2] == 'label' then
  for j = 3, #ARGV do redis.call('HSET', KEYS[1], ARGV[j], num(c)) end
else
  redis.call('HSET', KEYS[1], ARGV[2], num(c))
end
redis.call('HSET', KEYS[1], 'c', num(c), 'q', num(q + 1), 'b', num(c))
return {i, num(c), num(f), before}
`,
);

/**
 * Removes entries that are still the ones seen. KEYS index expiries entry… | ARGV id mark id mark… → how many
 */
export const REMOVE: Script = script(
  MARK,
  `
local removed = 0
for n = 3, #KEYS do
  local at = (n - 3) * 2 + 1
  local now = mark(KEYS[n])
  if now == '' or now == ARGV[at + 1] then
    if now ~= '' then redis.call('UNLINK', KEYS[n]) removed = removed + 1 end
    redis.call('ZREM', KEYS[1], ARGV[at])
    redis.call('ZREM', KEYS[2], ARGV[at])
  end
end
return removed
`,
);

/**
 * Adds to a counter: NC|incarnation|stamp|freshUntilMs|keptMs|label,label|number. Its mark changes with every birth, not with
 * every count. KEYS entry meta lease index expiries | ARGV nonce by keptMs freshUntilMs labels(,) indexId isOther(1: an envelope
 * stands there and is live) label… → {1, number} | {0, mark of an envelope that stands there} | {2} not a safe number
 */
export const COUNT: Script = script(
  META,
  INDEX,
  MARK,
  STAMPS,
  `
redis.call('DEL', KEYS[3])
local i, c, q, f = meta(KEYS[2], ARGV[1])
local e = whole(KEYS[1])
local life, stamp, fresh, kept, labels, n = string.match(e, '^NC|([^|]*)|(%d+)|(%d+)|(%d+)|([^|]*)|(-?%d+)$')
if e ~= '' and not n and e:sub(1, 16) ~= ARGV[7] then return {0, e} end
local valid = n and life == i and tonumber(stamp) >= f
if valid and labels ~= '' then
  local names = {}
  for name in string.gmatch(labels, '[^,]+') do names[#names + 1] = name end
  local found = redis.call('HMGET', KEYS[2], unpack(names))
  for j = 1, #names do if found[j] and tonumber(found[j]) > tonumber(stamp) then valid = false end end
end
local total = (valid and tonumber(n) or 0) + tonumber(ARGV[2])
if math.abs(total) > 9007199254740991 then return {2} end
if valid then
  redis.call('SET', KEYS[1], 'NC|' .. life .. '|' .. stamp .. '|' .. fresh .. '|' .. kept .. '|' .. labels .. '|' .. num(total), 'KEEPTTL')
else
  local ms = tonumber(ARGV[3])
  local value = 'NC|' .. i .. '|' .. num(c) .. '|' .. ARGV[4] .. '|' .. ARGV[3] .. '|' .. ARGV[5] .. '|' .. num(total)
  if ms == 0 then redis.call('SET', KEYS[1], value) else redis.call('SET', KEYS[1], value, 'PX', ARGV[3]) end
  keep(KEYS[2], ms == 0 and 0 or ms * 2)
  index(KEYS[4], KEYS[5], KEYS[2], ARGV[6], ms)
end
return {1, num(total)}
`,
);
