import { script, type Script } from './script.js';

/**
 * Removes bytes that no reader can use, if they still stand there. A lease stays: its load stores what is right. Succeeds
 * on a server that is out of memory.
 *
 * KEYS    entry index expiries
 * ARGV    length firstBytes id
 * Output  1, or 0: something else stands there
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
