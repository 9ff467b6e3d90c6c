import type { BypassReason } from '../core/observer.js';
import type { Width } from '../core/scope.js';
import type { Space } from '../core/space.js';
import type { CacheParts } from './scoped-cache.parts.js';

/** Counts and tells a call that goes without the cache before it has a key: for its space, or for nobody without one. */
export function noteBypass(
  { foundation }: CacheParts,
  reason: BypassReason,
  namespace: string,
  width: Width,
  space?: Space,
): void {
  (space?.tally ?? foundation.tallies.unscoped).bypasses++;
  if (foundation.hub.isHeard) foundation.hub.event({ type: 'bypass', reason, namespace, width });
}
