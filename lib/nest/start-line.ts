/** Loaded while the application starts: no call needs it. */
import type { OnModuleInit } from '@nestjs/common';
import { nameOfResolver } from '../context/resolver-notes.js';
import type { ScopeResolver } from '../context/scope-resolver.js';
import type { Backend } from '../core/backend.js';
import { hideFromLogs } from '../core/hide-from-logs.js';
import type { CacheSettings } from './cache.settings.js';

/** Says once at the start what the cache is made of: what an environment chose is not to be found out by an outage. */
export class StartLine implements OnModuleInit {
  static {
    hideFromLogs(this.prototype, 'StartLine');
  }

  constructor(
    private readonly settings: CacheSettings,
    private readonly backend: Backend,
    private readonly resolver: ScopeResolver | null,
  ) {}

  onModuleInit(): void {
    this.settings.log.log(startLine(this.settings, this.backend.kind, this.resolver));
  }
}

/** In the words of the options, so that each can be found there. */
function startLine(settings: CacheSettings, kind: string, resolver: ScopeResolver | null): string {
  const { prefix, scope, isEnabled } = settings;
  if (!isEnabled) return 'enabled: false. Every call runs its method or loader, and nothing is stored.';
  const { backend } = settings;
  // A test may have put another in its place.
  const about = backend?.kind === kind ? (backend.about ?? kind) : kind;
  const who = resolver === null ? 'none (scopes are said by runInScope)' : nameOfResolver(resolver);
  return `backend: ${about}; prefix: ${prefix}; scope.resolve: ${who}; scope.default: ${scope.defaultWidth}`;
}
