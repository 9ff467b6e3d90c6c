import { CacheConfigError } from '../../core/errors.js';
import { knownOptions } from '../../core/own-options.js';
import { isHidden } from '../../engine/silence.js';
import type { FailureOptions } from './scoped-cache.types.js';

/** What is asked of one call. No namespace answers for it: invalidations are loud unless they themselves are told otherwise. */
export function silenceOf(options: FailureOptions | undefined): boolean {
  const { failSilently = false } = knownOptions(options, '', ['failSilently']);
  if (typeof failSilently === 'boolean') return failSilently;
  throw new CacheConfigError('failSilently', 'must be true or false');
}

/** Work, or what is said in its place when the cache fails and that is to be hidden. The engine has told of it. */
export async function quietly<T>(isSilent: boolean, instead: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isHidden(isSilent, error)) return instead;
    throw error;
  }
}
