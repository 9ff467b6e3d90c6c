import { CacheConfigError } from '../../core/errors.js';
import { knownOptions } from '../../core/own-options.js';
import { isHidden } from '../../engine/silence.js';
import { reasonOf } from './reason.js';
import type { FailureOptions, RemovalOptions } from './scoped-cache.types.js';

/** What is asked of one call. No namespace answers for it: invalidations are loud unless they themselves are told otherwise. */
export function silenceOf(options: FailureOptions | undefined): boolean {
  return isSilence(knownOptions(options, '', ['failSilently']).failSilently);
}

/** The same for what removes, and why it does. @param others the names of further options */
export function removingOf<T extends RemovalOptions>(
  options: T | undefined,
  others: readonly (keyof T & string)[] = [],
): { readonly own: Partial<T>; readonly isSilent: boolean; readonly reason: string | undefined } {
  const own = knownOptions<T>(options, '', [...others, 'failSilently', 'reason']);
  return { own, isSilent: isSilence(own.failSilently), reason: reasonOf(own.reason) };
}

function isSilence(failSilently: unknown = false): boolean {
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
