/**
 * A cache that is switched off is not there: no argument, key, scope or option of a call can make it fail, and every
 * loader and method runs. In the scope of its key, as far as that can be said: what it sees is the same, cache on or off.
 */
import { ifAny } from '../../core/if-any.js';
import { runInContext } from '../../core/run-in-context.js';
import { noteBypass } from '../cache/bypass.js';
import type { MethodKey } from './method-key.js';
import type { CacheParts } from '../cache/scoped-cache.parts.js';

/** Runs a decorated method. It may throw, as the method may. */
export function runSwitchedOff(parts: CacheParts, keys: MethodKey, args: unknown[], method: () => unknown): unknown {
  const { context } = parts.foundation;
  const { scope, space } = keys.withoutKey(
    ifAny(() => context.current()),
    args,
  );
  noteBypass(parts, 'disabled', keys.namespace, keys.width, space);
  return runInContext(context, { scope, loading: context.loading() }, method);
}
