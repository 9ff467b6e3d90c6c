import { META } from './fragments/meta.js';
import { INDEX } from './fragments/id-index.js';
import { ANNOUNCE } from './fragments/announce.js';
import { HELD } from './fragments/held.js';
import { script, type Script } from './script.js';

/**
 * Stores under a lease. Told to others when something else stood there, or was to be replaced in any case: what they keep
 * of it is over.
 *
 * KEYS    entry meta lease index expiries state
 * ARGV    lease(token|generation|stamp) generation stamp keptMs bytes indexId replaces(1|0) label…
 * Output  1 stored, 0 lease lost, -1 invalidated
 */
export const FILL: Script = script(
  META,
  ANNOUNCE,
  INDEX,
  HELD,
  `
if held(KEYS[3]) ~= ARGV[1] then return 0 end
local i, c, q, f, b, p = known_meta(KEYS[2], 8, #ARGV)
local stamp = tonumber(ARGV[3])
local is_valid = i == ARGV[2] and f <= stamp and p <= stamp
for _, at in ipairs(stamps) do if at ~= '' and (tonumber(at) or math.huge) > stamp then is_valid = false end end
if not is_valid then redis.call('DEL', KEYS[3]) return -1 end
local ms = tonumber(ARGV[4])
local is_told = channel ~= '' and (ARGV[7] == '1' or redis.pcall('STRLEN', KEYS[1]) ~= 0)
put(KEYS[1], ARGV[5], ms)
redis.call('DEL', KEYS[3])
index(KEYS[4], KEYS[5], KEYS[2], ARGV[6], ms, keep(ms, KEYS[2]))
if is_told then announce_store(KEYS[2], i, q) end
return 1
`,
);
