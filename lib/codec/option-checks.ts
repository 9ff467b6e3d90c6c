import { CacheConfigError } from '../core/errors.js';

/** An option that nobody reads is a typing mistake, and its author believes in it. @throws CacheConfigError */
export function refuseUnknown(unknown: object, where: string, known: string): void {
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw new CacheConfigError(`${where}.${name}`, `is not an option; there are: ${known}`);
}

/** A name that stands in envelopes. @throws CacheConfigError */
export function checkName(name: unknown, option: string): string {
  if (typeof name === 'string' && /^[\w.-]{1,32}$/.test(name)) return name;
  throw new CacheConfigError(option, 'must be 1 to 32 of the characters A-Z a-z 0-9 _ . -');
}
