import { META } from './fragments/meta.js';
import { INDEX } from './fragments/id-index.js';
import { MARK } from './fragments/mark.js';
import { ANNOUNCE } from './fragments/announce.js';
import { script, type Script } from './script.js';

/**
 * An explicit write, born now. The envelope was sealed under a generation and a stamp; if the shard has been reborn or
 * something was invalidated in bulk since that stamp, nothing is written and the writer seals again.
 * A write that arrives after its caller has given it up (the server hung, a network kept it) would undo what the caller
 * did instead: it is told the time and does nothing.
 *
 * KEYS    entry meta lease index expiries state
 * ARGV    nonce generation stamp keptMs bytes indexId notAfterMs [expectedMark]
 * Output  {1}                        written
 *         {0, generation, clock}     to be sealed again, by these
 *         {2}                        something else stands there than was expected ('': nothing)
 *         {3, serverMs}              too late
 */
export const WRITE: Script = script(
  META,
  ANNOUNCE,
  INDEX,
  MARK,
  `
if now_ms() > tonumber(ARGV[7]) then return {3, num(now_ms())} end
local i, c, q, f, b = meta(KEYS[2], ARGV[1], KEYS[6])
if i ~= ARGV[2] or tonumber(ARGV[3]) < b then return {0, i, num(c)} end
if ARGV[8] and mark(KEYS[1]) ~= ARGV[8] then return {2} end
local ms = tonumber(ARGV[4])
put(KEYS[1], ARGV[5], ms)
redis.call('DEL', KEYS[3])
index(KEYS[4], KEYS[5], KEYS[2], ARGV[6], ms, keep(ms, KEYS[2]))
announce_store(KEYS[2], i, q)
return {1}
`,
);
