/**
 * Pieces that scripts are made of. Every script touches only keys it declares, all of one hash tag, so it runs on a
 * single server, in a cluster and on Dragonfly. Entries are opaque here: a script compares their mark (their first 16
 * bytes), never looks inside.
 *
 * Per shard, inside the hash tag:
 *   e:<id>  entry     bytes sealed by the codec (or a counter, see COUNT)
 *   l:<id>  lease     token|incarnation|stamp, with its own expiry
 *   m       meta      hash: i incarnation, c clock, q sequence of invalidations, f floor, b last bulk invalidation,
 *                     p last pattern invalidation, x index begun; and one field per label: its stamp
 *   k       index     sorted set of ids, all of score 0, so ordered by text; '!' marks that it is complete
 *   x       expiries  sorted set of the same ids by the time they expire
 *   t       labels    sorted set of the labels in the meta hash by their stamps: the oldest go when there are too many
 *   b       channel   where changes of this shard are told, in sharded mode
 *
 * Per cache: keys (see CHECK_KEYS) and apps (see LEAVE_MARK).
 *
 * Clock c = max(c + 1, the server's microseconds) at every invalidation. Stamps are c as it stood when a lease was
 * granted. A meta hash that was lost comes back with another incarnation: then nothing older is valid. It lives at
 * least as long as any entry or lease that was born under it.
 *
 * Out of memory: a script that has begun to write may go on writing. So those that remove begin with a removal, and
 * those that store begin with the store, which is then refused before anything else has changed.
 */
import { createHash } from 'node:crypto';

export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** How long a shard without entries is remembered. */
const IDLE_META_MS = 3_600_000;

/**
 * Reads the meta hash, or begins a new life of the shard under the nonce; keeps what belongs to it alive for a while.
 *
 * What stands under a name of ours and cannot be ours (another type, a clock that is no number) goes where it is met, and
 * with a meta hash everything that was valid by it: else one such key would refuse every call for a tenant for ever.
 */
export const META = `
local function now_us() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end
local function num(n) return string.format('%.0f', n) end
local function is_other(reply)
  if type(reply) ~= 'table' or not reply.err then return false end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
  return true
end
local function known_meta(key)
  local m = redis.pcall('HMGET', key, 'i', 'c', 'q', 'f', 'b', 'p')
  if is_other(m) then redis.call('UNLINK', key) return end
  if not m[1] then return end
  for j = 2, 6 do
    local n = m[j] and string.find(m[j], '^%d+$') and tonumber(m[j])
    if not n or n > 9007199254740991 then redis.call('UNLINK', key) return end
    m[j] = n
  end
  return m[1], m[2], m[3], m[4], m[5], m[6]
end
local function zadd(key, score, id)
  if is_other(redis.pcall('ZADD', key, score, id)) then
    redis.call('UNLINK', key)
    redis.call('ZADD', key, score, id)
  end
end
local function zrem(key, id) is_other(redis.pcall('ZREM', key, id)) end
local function meta(key, nonce)
  local i, c, q, f, b, p = known_meta(key)
  if i then return i, c, q, f, b, p end
  c = now_us()
  redis.call('HSET', key, 'i', nonce, 'c', num(c), 'q', '0', 'f', num(c), 'b', num(c), 'p', '0')
  redis.call('PEXPIRE', key, ${IDLE_META_MS})
  return nonce, c, 0, c, c, 0
end
local function put(key, bytes, ms)
  if ms == 0 then redis.call('SET', key, bytes) else redis.call('SET', key, bytes, 'PX', num(ms)) end
end
local function keep(ms, m, k, x)
  local left = redis.call('PTTL', m)
  if left < 0 or (ms > 0 and left >= ms) then return end
  for _, key in ipairs({m, k, x}) do
    if ms == 0 then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, num(ms * 2)) end
  end
end
`;

/**
 * Puts an id into the index and drops a few that have expired. The marks are set once in the life of a meta hash: an
 * index that the server has displaced comes back without them, and is then known to be incomplete.
 */
export const INDEX = `
local function index(k, x, m, id, ms)
  if id == '' then return end
  local now = math.floor(now_us() / 1000)
  zadd(k, 0, id)
  if ms == 0 then zrem(x, id) else zadd(x, num(now + ms), id) end
  if redis.call('HSET', m, 'x', '1') == 1 then
    zadd(k, 0, '!')
    zadd(x, '+inf', '!')
    local left = redis.call('PTTL', m)
    if left > 0 then redis.call('PEXPIRE', k, left) redis.call('PEXPIRE', x, left) end
  end
  local old = redis.pcall('ZRANGEBYSCORE', x, '-inf', num(now), 'LIMIT', 0, 4)
  for _, gone in ipairs(is_other(old) and {} or old) do zrem(k, gone) zrem(x, gone) end
end
`;

/** The mark of an entry; a key of another type is not ours and goes. */
export const MARK = `
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

/**
 * Tells other processes what this script changes; part of the change, so that nobody reads it before it is told. Its two
 * arguments come before all others and are taken away: channel ('': nobody listens) and text. In sharded mode the channel
 * is also the last of KEYS. Where the server does not allow it, nothing is told, and copies live until they are checked.
 */
export const ANNOUNCE = `
local channel, said = table.remove(ARGV, 1), table.remove(ARGV, 1)
local function announce(life, number)
  if channel == '' then return end
  redis.pcall(KEYS[#KEYS] == channel and 'SPUBLISH' or 'PUBLISH', channel, said .. '|' .. life .. '|' .. num(number))
end
local function announce_store(m, life, number)
  if channel == '' then return end
  redis.call('HSET', m, 'q', num(number + 1))
  announce(life, number + 1)
end
`;

/**
 * The beginning of an entry up to the end of its header, which says itself how long it is (see codec/envelope.ts); of
 * anything else at most so many bytes. '': nothing, or a key of another type.
 */
export const HEAD = `
local function head(key, most)
  local e = redis.pcall('GETRANGE', key, 0, 17)
  if type(e) == 'table' then return '' end
  if #e < 18 then return e end
  if e:sub(1, 2) == '\\83\\231' then most = math.max(18, math.min(most, e:byte(17) + e:byte(18) * 256)) end
  return redis.call('GETRANGE', key, 0, most - 1)
end
`;

/** The lease on a key, if there is one. */
export const HELD = `
local function held(key)
  local text = redis.pcall('GET', key)
  if type(text) == 'table' or not text then return end
  local token, life, stamp = string.match(text, '^([^|]*)|([^|]*)|(%d+)$')
  return text, token, life, tonumber(stamp)
end
`;

/** Stamps of the labels that ARGV names between two places; '' where nothing was invalidated. */
export const STAMPS = `
local function stamps(key, from, to)
  if to < from then return {} end
  local names = {}
  for j = from, to do names[#names + 1] = ARGV[j] end
  local found = redis.call('HMGET', key, unpack(names))
  for j = 1, #names do if not found[j] then found[j] = '' end end
  return found
end
`;

/**
 * A script of pieces, the last of which is its body. Its first argument comes back beside its answer: an answer that
 * does not bring the argument of its own call belongs to another call, and the connection is out of step.
 */
export function script(...pieces: readonly string[]): Script {
  const body = pieces.at(-1) ?? '';
  const before = pieces.slice(0, -1).join('');
  const source = `local echo = table.remove(ARGV, 1)\n${before}\nlocal function main()\n${body}\nend\nreturn {echo, main()}\n`;
  return Object.freeze({ source, sha: createHash('sha1').update(source).digest('hex') });
}
