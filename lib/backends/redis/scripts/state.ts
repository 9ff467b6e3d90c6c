import { STATE_FORMAT } from '../state-string.js';
import { META } from './fragments/meta.js';
import { script, type Script } from './script.js';

/**
 * Looks at the meta hash and the state string beside each other, and writes a string that is not there. Where the two
 * differ, one was put there otherwise than by a script of ours, and may be older than the last invalidation: which one
 * cannot be told, so both go, and with them everything that was valid by them. A string of a later format is left to those
 * that know it.
 *
 * KEYS    meta state
 * Output  0 no hash and no string (any more), 1 as it was, 2 written, 3 they differed
 */
export const STATE: Script = script(
  META,
  `
local text = redis.pcall('GET', KEYS[2])
if is_other(text) then redis.call('UNLINK', KEYS[2]) end
if type(text) ~= 'string' then text = '' end
local format = format_of(text)
if format > ${STATE_FORMAT} then return 1 end
ARGV[1] = 'r'
local i, c, q, f, b = known_meta(KEYS[1], 1, 1)
if not i then
  redis.call('UNLINK', KEYS[2])
  return 0
end
local last, since, named = listed(stamps[1])
local list = last .. since .. named
if differs(text, i, f, list) then
  redis.call('UNLINK', KEYS[2], KEYS[1])
  return 3
end
-- What the hash says of its end is not believed here, as in INVALIDATE.
ends = nil
say(KEYS[2], i, f, list, keep(0, KEYS[1]))
return format == 0 and 2 or 1
`,
);
