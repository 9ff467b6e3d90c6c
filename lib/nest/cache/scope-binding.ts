import type { Frame } from '../../core/frame.js';
import { NO_SCOPE, type Scope, type Width } from '../../core/keys/scope.js';
import type { CacheParts } from './scoped-cache.parts.js';

/**
 * How a view of the cache finds its scope. `ambient`: that of the running request. `user`: a named user of the ambient
 * tenant. `fixed`: said in full, whatever surrounds the call.
 */
export type Binding =
  | { readonly kind: 'ambient' }
  | { readonly kind: 'user'; readonly user: string }
  | { readonly kind: 'fixed'; readonly scope: Scope };

export const AMBIENT: Binding = Object.freeze({ kind: 'ambient' });

/** The scope of a call, settled before anything else happens. */
export function boundScope(parts: CacheParts, binding: Binding, frame: Frame | undefined): Scope {
  if (binding.kind === 'fixed') return binding.scope;
  const ambient = frame?.scope ?? NO_SCOPE;
  return binding.kind === 'ambient'
    ? ambient
    : parts.foundation.scopes.of({ tenant: ambient.tenant, user: binding.user });
}

export interface Bound {
  readonly binding: Binding;
  readonly width: Width;
  /** Undefined: key verbs use the default namespace, whole-scope verbs cover all. */
  readonly namespace: string | undefined;
}
