import { HEAD } from './fragments/head.js';
import { script, type Script } from './script.js';

/**
 * The beginnings of entries and their lengths.
 *
 * KEYS    entry…
 * ARGV    headerBytes
 * Output  {header, bytes, header, bytes…}
 */
export const VISIT: Script = script(
  HEAD,
  `
local found = {}
for n = 1, #KEYS do
  found[n * 2 - 1] = head(KEYS[n], tonumber(ARGV[1]))
  found[n * 2] = found[n * 2 - 1] == '' and 0 or redis.call('STRLEN', KEYS[n])
end
return found
`,
);
