import { META } from './fragments/meta.js';
import { INDEX } from './fragments/id-index.js';
import { MARK } from './fragments/mark.js';
import { ANNOUNCE } from './fragments/announce.js';
import { script, type Script } from './script.js';

/**
 * Puts other bytes in the place of an entry that is still the one seen. A lease stays, or goes with 'void'. A counter is
 * the one seen however often others have added to it since: what they have made of it stays.
 *
 * KEYS    entry meta lease index expiries state
 * ARGV    seenMark keptMs bytes indexId lease(stays|void)
 * Output  1 or 0
 */
export const SWAP: Script = script(
  META,
  ANNOUNCE,
  INDEX,
  MARK,
  `
local i, c, q = known_meta(KEYS[2])
-- Without a meta hash nothing is valid, and one that would be made here would have no life. A reader may have believed a
-- state string that outlived it.
if not i then redis.call('UNLINK', KEYS[6]) return 0 end
if mark(KEYS[1]) ~= ARGV[1] then return 0 end
local bytes, ms = ARGV[3], tonumber(ARGV[2])
local number = ARGV[1]:sub(1, 3) == 'NC|' and string.match(whole(KEYS[1]), '|(-?%d+)$')
if number then bytes = string.gsub(bytes, '-?%d+$', number) end
put(KEYS[1], bytes, ms)
if ARGV[5] == 'void' then redis.call('DEL', KEYS[3]) end
index(KEYS[4], KEYS[5], KEYS[2], ARGV[4], ms, keep(ms, KEYS[2]))
announce_store(KEYS[2], i, q)
return 1
`,
);
