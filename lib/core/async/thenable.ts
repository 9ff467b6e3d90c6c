/**
 * What callbacks of the application return. A callback that is meant to answer at once may be written `async` all the
 * same, and a promise is neither true nor a list nor a ttl. It must not be taken for one, and its failure must not end
 * the process: a rejected promise that nothing listens to does.
 */
import { CacheConfigError } from '../errors.js';

/** True for whatever `await` waits for: promises, those of other libraries, queries that begin when they are awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  try {
    return typeof (value as { then?: unknown }).then === 'function';
  } catch {
    return false;
  }
}

/** Listens to a promise that is not waited for. False: it is none. `onFailure` must not throw. */
export function disown(value: unknown, onFailure: () => void = () => undefined): boolean {
  if (!isThenable(value)) return false;
  try {
    void value.then(() => undefined, onFailure);
  } catch {
    onFailure();
  }
  return true;
}

/**
 * The answer of a callback that has to be there at once.
 * @throws CacheConfigError naming the option when it comes later
 */
export function answered<T>(answer: T, option: string): T {
  if (typeof answer !== 'object' || answer === null || !disown(answer)) return answer;
  throw new CacheConfigError(
    option,
    'returned a promise, and nothing waits for it: return the answer itself, and what takes time before it, do before the call',
  );
}

/** True for `async` functions, as long as no compiler has rewritten them. */
export function isAsync(callback: unknown): boolean {
  return typeof callback === 'function' && Object.prototype.toString.call(callback) === '[object AsyncFunction]';
}
