import { META } from './fragments/meta.js';
import { INDEX } from './fragments/id-index.js';
import { ANNOUNCE } from './fragments/announce.js';
import { HEAD } from './fragments/head.js';
import { script, type Script } from './script.js';

/**
 * Removes entries and their leases. The clock does not tick: it orders entries against what is invalidated by label, while
 * a lease or a copy of one of these keys is void because its token or mark is gone. A shard that has no meta hash has
 * nothing valid and grants nothing, so nothing has to be noted. Succeeds on a server that is out of memory.
 *
 * KEYS    meta index expiries, then entry lease for each id
 * ARGV    headerBytes labels(how many) label… id…
 * Output  {generation, minimum stamp, headers of what stood there, stamps of the labels}
 */
export const EVICT: Script = script(
  META,
  INDEX,
  HEAD,
  ANNOUNCE,
  `
local heads, labels = {}, 2 + tonumber(ARGV[2])
for n = 1, #ARGV - labels do
  local entry, lease, id = KEYS[2 + n * 2], KEYS[3 + n * 2], ARGV[labels + n]
  heads[n] = head(entry, tonumber(ARGV[1]))
  redis.call('UNLINK', entry, lease)
  zrem(KEYS[2], id)
  zrem(KEYS[3], id)
end
local i, c, q, f = known_meta(KEYS[1], 3, labels)
if not i then
  announce('', 0)
  return {'', '0', heads, {}}
end
shorten(KEYS[2], KEYS[3], KEYS[1])
redis.call('HSET', KEYS[1], 'q', num(q + 1))
announce(i, q + 1)
return {i, num(f), heads, stamps}
`,
);
