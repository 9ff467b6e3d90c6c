import { script, type Script } from './script.js';

/**
 * Leaves the mark of an application, and forgets those that are old or too many.
 *
 * KEYS    the set of marks
 * ARGV    mark keptMs most
 * Output  the newest marks, at most so many, the newest last
 */
export const LEAVE_MARK: Script = script(`
local t = redis.call('TIME')
local now = tonumber(t[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
local kept = math.floor(tonumber(ARGV[2]) / 1000)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - kept, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], old)
end
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[3])
if over > 0 then redis.call('ZPOPMIN', KEYS[1], math.min(over, 100)) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], '-' .. ARGV[3], -1)
`);
