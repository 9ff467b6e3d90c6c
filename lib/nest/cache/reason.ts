import { CacheConfigError } from '../../core/errors.js';

/** Longer ones are cut off: by then it is a removal that is asked for, which is worth more than all that is said of it. */
const MAX_LENGTH = 200;

/**
 * Why something is removed, as events tell it: one line, of bounded length.
 * @throws CacheConfigError for what is no text
 */
export function reasonOf(reason: unknown, where = 'reason'): string | undefined {
  if (reason === undefined) return undefined;
  if (typeof reason !== 'string')
    throw new CacheConfigError(where, "must be a text, in a few words: 'price list imported'");
  // In a log one event is one line, whatever a caller has put together.
  return reason.slice(0, MAX_LENGTH).replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
