import type { Awaitable } from '../../core/async/awaitable.js';
import type { Frame } from '../../core/frame.js';
import { ifAny } from '../../core/if-any.js';
import { runInside } from '../../core/inside.js';
import { NOBODY, type Scope, type Width } from '../../core/keys/scope.js';
import type { Space } from '../../core/keys/space.js';
import { LoadContext, type Loader } from '../../engine/loader.js';
import { noteBypass } from './bypass.js';
import type { CacheParts } from './scoped-cache.parts.js';

/** For whom a call would be: what of it is known. */
export interface Whereabouts {
  readonly namespace: string;
  readonly width: Width;
  scope(frame: Frame | undefined): Scope;
}

/** Runs a loader. It may throw, as the loader may. */
export function loadSwitchedOff(
  parts: CacheParts,
  { namespace, width, scope: scopeOf }: Whereabouts,
  loader: Loader<unknown>,
): Awaitable<unknown> {
  const { context, mint } = parts.foundation;
  const frame = ifAny(() => context.current());
  const known = ifAny(() => scopeOf(frame)) ?? NOBODY;
  const space: Space | undefined = ifAny(() => mint.space(known, width, namespace));
  noteBypass(parts, 'disabled', namespace, width, space);
  const scope = space?.scope ?? known;
  const work = (): unknown => loader(deaf(new LoadContext(scope, namespace, undefined)));
  return runInside(context, { scope, loading: context.loading() }, work);
}

/** What a loader says about an entry that there will not be cannot be wrong. */
function deaf(context: LoadContext): never {
  return Object.assign(context, { tag: () => undefined, ttl: () => undefined }) as never;
}
