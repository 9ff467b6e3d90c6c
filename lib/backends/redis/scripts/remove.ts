import { META } from './fragments/meta.js';
import { INDEX } from './fragments/id-index.js';
import { MARK } from './fragments/mark.js';
import { ANNOUNCE } from './fragments/announce.js';
import { script, type Script } from './script.js';

/**
 * Removes entries that are still the ones seen, and drops from the index what is no longer there. Succeeds on a server
 * that is out of memory.
 *
 * KEYS    index expiries meta entry…
 * ARGV    id mark id mark…
 * Output  for each 1 removed, 0 gone before, 2 another by now
 */
export const REMOVE: Script = script(
  META,
  INDEX,
  ANNOUNCE,
  MARK,
  `
local outcomes = {}
for n = 1, #ARGV / 2 do
  local entry, id = KEYS[n + 3], ARGV[n * 2 - 1]
  local now = mark(entry)
  if now ~= '' and now ~= ARGV[n * 2] then
    outcomes[n] = 2
  else
    outcomes[n] = now == '' and 0 or redis.call('UNLINK', entry)
    zrem(KEYS[1], id)
    zrem(KEYS[2], id)
  end
end
shorten(KEYS[1], KEYS[2], KEYS[3])
if channel ~= '' then
  local i, c, q = known_meta(KEYS[3])
  if i then announce_store(KEYS[3], i, q) else announce('', 0) end
end
return outcomes
`,
);
