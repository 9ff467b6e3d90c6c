import { ENDLESS_MS } from '../../../shared/draft-times.js';
import { DIGITS, STATE_FORMAT } from '../../state-string.js';

/** How long a shard without entries is remembered. */
const IDLE_META_MS = 3_600_000;
/** By how much longer than it has to a meta hash lives at most: so seldom its life is lengthened. */
const AHEAD_MS = 86_400_000;
/** How long a state string stands at most, and no longer than the meta hash: readers write it again (see state-watch.ts). */
const STATE_MS = 86_400_000;

/**
 * Reads the meta hash, or begins a new life of the shard under the nonce; keeps what belongs to it alive for a while. Each
 * call of a script to its server takes half a microsecond and more: so the stamps of labels are read with the hash, the hash says
 * itself until when it is kept, and the time is asked for once.
 *
 * What stands under a name of ours and cannot be ours (another type, a clock that is no number) goes where it is met, and
 * with a meta hash everything that was valid by it: else one such key would refuse every call for a tenant for ever.
 *
 * Defines now_us() num(n) is_other(reply) zadd(key, score, id) zrem(key, id) put(key, bytes, ms)
 *   known_meta(key, from, to)    → i c q f b p, or nothing where the shard has no life; and sets
 *     stamps                       of the labels that ARGV names between two places, '' where nothing was invalidated
 *     has_index                    whether the index of this life has begun
 *     bulk                         the last bulk invalidation, as a text
 *     ends                         until when the hash is kept, where it says so
 *   listed(r)                    → the last bulk invalidation, since when all are named, and their names, as texts, of what
 *                                  the hash says in r (see list.ts): nothing is named where r was not written with the
 *                                  last bulk invalidation, by a version that knows no r
 *   state_text(i, f, list)       → the state string that says so, of a list as in r
 *   format_of(text)              → the format of a state string, 0: it is none
 *   differs(text, i, f, list)    → whether it is of our format and says something else
 *   say(s, i, f, list, left)     writes it, where the meta hash lives for left
 *   meta(key, nonce, s, from, to)   → as known_meta, of a new life where it has none, with its state string
 *   left_of(m)                   → how long the meta hash lives
 *   last(ms, m)                  has it live for so long
 *   keep(ms, m)                  → how long it lives: at least for so long, and never for ever
 */
export const META = `
local time_us, stamps, has_index, ends, bulk
local function now_us()
  if not time_us then
    local t = redis.call('TIME')
    time_us = t[1] * 1000000 + t[2]
  end
  return time_us
end
local function now_ms() return math.floor(now_us() / 1000) end
local function num(n) return string.format('%.0f', n) end
local function is_other(reply)
  if type(reply) ~= 'table' or not reply.err then return false end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
  return true
end
local function known_meta(key, from, to)
  local labels = from and to - from + 1 or 0
  stamps = {}
  for j = 1, labels do stamps[j] = '' end
  local m = redis.pcall('HMGET', key, 'i', 'c', 'q', 'f', 'b', 'p', 'e', 'x', unpack(ARGV, from or 1, to or 0))
  if is_other(m) then redis.call('UNLINK', key) return end
  if not m[1] then return end
  bulk = m[5]
  for j = 2, 6 do
    -- A pattern for each would cost a microsecond; a clock is no less one for being written otherwise.
    local n = m[j] and tonumber(m[j])
    if not n or not (n >= 0 and n <= 9007199254740991 and n % 1 == 0) then redis.call('UNLINK', key) return end
    m[j] = n
  end
  ends = m[7] and string.find(m[7], '^%d+$') and tonumber(m[7])
  has_index = m[8]
  for j = 1, labels do if m[8 + j] then stamps[j] = m[8 + j] end end
  return m[1], m[2], m[3], m[4], m[5], m[6]
end
local function zadd(key, score, id)
  if is_other(redis.pcall('ZADD', key, score, id)) then
    redis.call('UNLINK', key)
    redis.call('ZADD', key, score, id)
  end
end
local function zrem(key, id) is_other(redis.pcall('ZREM', key, id)) end
local function last(ms, m)
  ends = now_ms() + ms
  if not is_other(redis.pcall('HSET', m, 'e', num(ends))) then redis.call('PEXPIRE', m, num(ms)) end
end
-- Of the text of a stamp: to write a number costs a microsecond.
local function wide(text) return string.rep('0', ${DIGITS} - #text) .. text .. '|' end
local function listed(r)
  local last = wide(bulk)
  if string.sub(r, 1, ${DIGITS + 1}) ~= last then return last, last, '' end
  return last, string.sub(r, ${DIGITS + 2}, ${2 * DIGITS + 2}), string.sub(r, ${2 * DIGITS + 3})
end
local function state_text(i, f, list) return '${STATE_FORMAT}|' .. i .. '|' .. num(f) .. '|' .. list end
local function format_of(text) return tonumber(string.match(text, '^(%d+)|')) or 0 end
local function differs(text, i, f, list)
  return format_of(text) == ${STATE_FORMAT} and text ~= state_text(i, f, list)
end
local function say(s, i, f, list, left)
  redis.call('SET', s, state_text(i, f, list), 'PX', num(math.max(1, math.min(left, ${STATE_MS}))))
end
local function meta(key, nonce, s, from, to)
  local i, c, q, f, b, p = known_meta(key, from, to)
  if i then return i, c, q, f, b, p end
  c = now_us()
  redis.call('HSET', key, 'i', nonce, 'c', num(c), 'q', '0', 'f', num(c), 'b', num(c), 'p', '0')
  last(${IDLE_META_MS}, key)
  say(s, nonce, c, wide(num(c)) .. wide(num(c)), ${IDLE_META_MS})
  return nonce, c, 0, c, c, 0
end
local function put(key, bytes, ms) redis.call('SET', key, bytes, 'PX', num(ms)) end
local function left_of(m)
  local left = ends and ends - now_ms()
  -- No key is kept for longer, so what says more is not of us.
  if left and left <= ${2 * ENDLESS_MS} then return math.max(0, left) end
  return redis.call('PTTL', m)
end
local function keep(ms, m)
  local left = left_of(m)
  if left == -2 or left >= ms then return left end
  -- As earlier versions left it behind, for entries without a ttl.
  if left == -1 then ms = math.max(ms, ${ENDLESS_MS}) end
  left = ms + math.min(ms, ${AHEAD_MS})
  last(left, m)
  return left
end
`;
