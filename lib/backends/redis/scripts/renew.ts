import { HELD } from './fragments/held.js';
import { script, type Script } from './script.js';

/**
 * Lengthens a lease that is still held.
 *
 * KEYS    lease
 * ARGV    lease(token|generation|stamp) leaseMs
 * Output  1 or 0
 */
export const RENEW: Script = script(
  HELD,
  `
if held(KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`,
);
