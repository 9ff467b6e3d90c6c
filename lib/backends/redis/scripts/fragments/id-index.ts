/** How long what is kept about a shard outlives the last entry that was to live long, once that was removed. */
const AFTER_LONG_MS = 86_400_000;

/**
 * Puts an id into the index and drops a few that have expired. The marks are set once in the life of a meta hash: an
 * index that the server has displaced comes back without them, and is then known to be incomplete.
 *
 * Both sets live as long as the meta hash, also where they came back without a life of their own. When none of the ids
 * lives long any more, neither do they.
 *
 * Needs META. Defines
 *   index(k, x, m, id, ms, left)   where the meta hash, which was read before, lives for left; id '': no index is kept
 *   shorten(k, x, m)               after ids were removed
 */
export const INDEX = `
local function size(key)
  local n = redis.pcall('ZCARD', key)
  return is_other(n) and -1 or n
end
local function shorten(k, x, m)
  if left_of(m) <= ${2 * AFTER_LONG_MS} then return end
  -- What was displaced, or written by a version that knew ids without an end, names no longer all that lives.
  local n = size(k)
  if n < 1 or n ~= size(x) or not redis.call('ZSCORE', k, '!') then return end
  local long = '(' .. num(now_ms() + ${AFTER_LONG_MS})
  if #redis.call('ZRANGEBYSCORE', x, long, '9007199254740991', 'LIMIT', 0, 1) > 0 then return end
  last(${AFTER_LONG_MS}, m)
  for _, key in ipairs({k, x}) do redis.call('PEXPIRE', key, ${AFTER_LONG_MS}) end
end
local function index(k, x, m, id, ms, left)
  if id == '' then return end
  -- Numbers as texts: a number of Lua costs half a microsecond on its way.
  zadd(k, '0', id)
  zadd(x, num(now_ms() + ms), id)
  if not has_index then
    redis.call('HSET', m, 'x', '1')
    zadd(k, '0', '!')
    zadd(x, '+inf', '!')
  end
  for _, key in ipairs({k, x}) do
    if redis.call('PTTL', key) < left then redis.call('PEXPIRE', key, num(left)) end
  end
  local old = redis.pcall('ZRANGEBYSCORE', x, '-inf', num(now_ms()), 'LIMIT', '0', '4')
  for _, gone in ipairs(is_other(old) and {} or old) do zrem(k, gone) zrem(x, gone) end
  shorten(k, x, m)
end
`;
