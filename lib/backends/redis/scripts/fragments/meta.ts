import { ENDLESS_MS } from '../../../shared/draft-times.js';

/** How long a shard without entries is remembered. */
const IDLE_META_MS = 3_600_000;
/** By how much longer than it has to a meta hash lives at most: so seldom its life is lengthened. */
const AHEAD_MS = 86_400_000;

/**
 * Reads the meta hash, or begins a new life of the shard under the nonce; keeps what belongs to it alive for a while.
 *
 * What stands under a name of ours and cannot be ours (another type, a clock that is no number) goes where it is met, and
 * with a meta hash everything that was valid by it: else one such key would refuse every call for a tenant for ever.
 *
 * Defines now_us() num(n) is_other(reply) zadd(key, score, id) zrem(key, id) put(key, bytes, ms)
 *   keep(ms, m)        → how long the meta hash lives: at least for so long, and never for ever
 *   known_meta(key)    → i c q f b p, or nothing where the shard has no life
 *   meta(key, nonce)   → i c q f b p, of a new life where it has none
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
local function put(key, bytes, ms) redis.call('SET', key, bytes, 'PX', num(ms)) end
local function keep(ms, m)
  local left = redis.call('PTTL', m)
  if left == -2 or left >= ms then return left end
  -- As earlier versions left it behind, for entries without a ttl.
  if left == -1 then ms = math.max(ms, ${ENDLESS_MS}) end
  left = ms + math.min(ms, ${AHEAD_MS})
  redis.call('PEXPIRE', m, num(left))
  return left
end
`;
