import { META } from './fragments/meta.js';
import { MARK } from './fragments/mark.js';
import { HELD } from './fragments/held.js';
import { script, type Script } from './script.js';

/**
 * Answers what stands there, or grants the right to store.
 *
 * KEYS    entry meta lease state
 * ARGV    token leaseMs nonce purpose(missing|refresh|replace) seenMark label…
 * Output  {0, entry, generation, minimum stamp, serverMs, stamps}           found: something the caller has not seen
 *         {1, entry, generation, minimum stamp, serverMs, stamps, clock}    granted
 *         {2, token}                                                        held by another
 *         of a grant the entry is '=' for the one seen, '' for none or one to be replaced
 */
export const LEASE: Script = script(
  META,
  MARK,
  HELD,
  `
local i, c, q, f, b = meta(KEYS[2], ARGV[3], KEYS[4], 6, #ARGV)
local seen = mark(KEYS[1])
local ms = num(now_ms())
if ARGV[4] == 'missing' and seen ~= '' and seen ~= ARGV[5] then
  return {0, whole(KEYS[1]), i, num(f), ms, stamps}
end
if ARGV[4] ~= 'replace' then
  local text, token, life, stamp = held(KEYS[3])
  if token and life == i and stamp >= b then return {2, token} end
end
redis.call('SET', KEYS[3], ARGV[1] .. '|' .. i .. '|' .. num(c), 'PX', ARGV[2])
keep(tonumber(ARGV[2]) * 2, KEYS[2])
local standing = (seen == '' or ARGV[4] == 'replace') and '' or seen == ARGV[5] and '=' or whole(KEYS[1])
return {1, standing, i, num(f), ms, stamps, num(c)}
`,
);
