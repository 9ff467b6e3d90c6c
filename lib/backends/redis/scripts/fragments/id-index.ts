/**
 * Puts an id into the index and drops a few that have expired. The marks are set once in the life of a meta hash: an
 * index that the server has displaced comes back without them, and is then known to be incomplete.
 *
 * Needs META. Defines index(k, x, m, id, ms); id '': no index is kept.
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
