import { nameOfResolver } from '../context/resolver-notes.js';
import type { ScopeResolver } from '../context/scope-resolver.js';
import type { CacheSettings } from './cache.settings.js';

/** In the words of the options, so that each can be found there. */
export function startLine(settings: CacheSettings, kind: string, resolver: ScopeResolver | null): string {
  const { prefix, scope, isEnabled } = settings;
  if (!isEnabled) return 'enabled: false. Every call runs its method or loader, and nothing is stored.';
  const { backend } = settings;
  // A test may have put another in its place.
  const about = backend?.kind === kind ? (backend.about ?? kind) : kind;
  const who = resolver === null ? 'none (scopes are said by runInScope)' : nameOfResolver(resolver);
  return `backend: ${about}; prefix: ${prefix}; scope.resolve: ${who}; scope.default: ${scope.defaultWidth}`;
}
