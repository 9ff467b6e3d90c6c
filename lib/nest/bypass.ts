import type { BypassReason } from '../core/observer.js';
import type { Width } from '../core/scope.js';
import type { CacheParts } from './scoped-cache.parts.js';

/** Counts and tells a call that goes without the cache before it has a key: in the sums of everything, of nobody's. */
export function noteBypass({ foundation }: CacheParts, reason: BypassReason, namespace: string, width: Width): void {
  foundation.tallies.unscoped.bypasses++;
  if (foundation.hub.isHeard) foundation.hub.event({ type: 'bypass', reason, namespace, width });
}
