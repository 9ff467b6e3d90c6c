import type { BypassReason } from '../../core/observer.js';
import { NO_SCOPE, type Width } from '../../core/keys/scope.js';
import type { Space } from '../../core/keys/space.js';
import type { CacheParts } from './scoped-cache.parts.js';

/**
 * Counts and tells a call that goes without the cache before it has a key: for its space, or without one for the totals alone.
 * Inside a load it counts as a read like any other. What it brings is for as few people as its width says, and without
 * a scope that is not known: the entry around it must not be for more.
 */
export function noteBypass(
  { foundation }: CacheParts,
  reason: BypassReason,
  namespace: string,
  width: Width,
  space?: Space,
): void {
  (space?.stats ?? foundation.statsRegistry.unscoped).count('bypasses');
  foundation.context.loading()?.note(space ?? { scope: NO_SCOPE, width, namespace });
  if (foundation.hub.isHeard) foundation.hub.event({ type: 'bypass', reason, namespace, width });
}
