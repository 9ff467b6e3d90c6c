/** Loaders of a cache that is switched off: see `methods/switched-off`, which does the same for decorated methods. */
import type { Awaitable } from '../../core/async/awaitable.js';
import type { Frame } from '../../core/frame.js';
import { ifAny } from '../../core/if-any.js';
import { runInContext } from '../../core/run-in-context.js';
import { NO_SCOPE, type Scope, type Width } from '../../core/keys/scope.js';
import type { Space } from '../../core/keys/space.js';
import { LoadContext, type Loader } from '../../engine/loader.js';
import { noteBypass } from './bypass.js';
import type { CacheParts } from './scoped-cache.parts.js';

/** The space a call would be for: what of it is known. */
export interface SwitchedOffCall {
  readonly namespace: string;
  readonly width: Width;
  scope(frame: Frame | undefined): Scope;
}

/** Runs a loader. It may throw, as the loader may. */
export function loadSwitchedOff(
  parts: CacheParts,
  { namespace, width, scope: scopeOf }: SwitchedOffCall,
  loader: Loader<unknown>,
): Awaitable<unknown> {
  const { context, keyFactory } = parts.foundation;
  const frame = ifAny(() => context.current());
  const known = ifAny(() => scopeOf(frame)) ?? NO_SCOPE;
  const space: Space | undefined = ifAny(() => keyFactory.space(known, width, namespace));
  noteBypass(parts, 'disabled', namespace, width, space);
  const scope = space?.scope ?? known;
  const work = (): unknown => loader(withoutEffect(new LoadContext({ scope, namespace })));
  return runInContext(context, { scope, loading: context.loading() }, work);
}

/** What a loader says about an entry that there will not be cannot be wrong. */
function withoutEffect(context: LoadContext): never {
  const nothing = { value: (): void => undefined };
  return Object.defineProperties(context, { tag: nothing, ttl: nothing }) as never;
}
