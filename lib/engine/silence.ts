import { CacheError } from '../core/errors.js';

/** What goes wrong in the cache itself: its server does not answer or cannot tell, or has no more room for the tenant. */
const OWN: ReadonlySet<string> = new Set(['CACHE_BACKEND', 'CACHE_INVALIDATION_UNKNOWN', 'CACHE_QUOTA']);

/**
 * Whether a failure stays hidden. Only where the caller has asked for it, and only what it can do nothing about: a
 * wrong key, option, scope, tag, or a value that no backend could keep, is told whatever `failSilently` says.
 */
export function isHidden(failSilently: boolean | undefined, error: unknown): error is CacheError {
  return failSilently === true && error instanceof CacheError && OWN.has(error.code);
}
