import { BackendError, CacheError } from '../core/errors.js';

/**
 * A server answered, and its answer is no: out of memory, a missing right, a key of another type. It is there, so
 * nothing is gained by leaving it alone or by asking again.
 */
export class RefusedError extends BackendError {}

/** An answer that says no (a value that cannot be stored, a right that is missing) is an answer all the same. */
export function isAnswer(error: unknown): boolean {
  return error instanceof RefusedError || (error instanceof CacheError && error.code !== 'CACHE_BACKEND');
}
