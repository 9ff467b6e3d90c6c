import { HELD } from './fragments/held.js';
import { script, type Script } from './script.js';

/**
 * Gives a lease back, whatever follows its token: a grant whose answer was lost is known by its token alone.
 *
 * KEYS    lease
 * ARGV    token
 * Output  1 or 0
 */
export const RELEASE: Script = script(
  HELD,
  `
local text, token = held(KEYS[1])
if token == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`,
);
