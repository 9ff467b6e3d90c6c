import { CacheConfigError } from '../core/errors.js';

/** A name that stands in envelopes. @throws CacheConfigError */
export function checkName(name: unknown, option: string): string {
  if (typeof name === 'string' && /^[\w.-]{1,32}$/.test(name)) return name;
  throw new CacheConfigError(option, 'must be 1 to 32 of the characters A-Z a-z 0-9 _ . -');
}
