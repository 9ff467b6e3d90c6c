import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { ScopeResolver } from '../context/scope-resolver.js';
import type { Backend } from '../core/backend.js';
import { hideFromLogs } from '../core/hide-from-logs.js';
import type { CacheSettings } from './cache.settings.js';
import { CACHE_BACKEND, CACHE_SCOPE_RESOLVER, CACHE_SETTINGS } from './cache.tokens.js';

/** Says once at the start what the cache is made of: what an environment chose is not to be found out by an outage. */
@Injectable()
export class StartLine implements OnModuleInit {
  static {
    hideFromLogs(this.prototype, 'StartLine');
  }

  constructor(
    @Inject(CACHE_SETTINGS) private readonly settings: CacheSettings,
    @Inject(CACHE_BACKEND) private readonly backend: Backend,
    @Inject(CACHE_SCOPE_RESOLVER) private readonly resolver: ScopeResolver | null,
  ) {}

  /** Its words are needed once, and by no call. */
  async onModuleInit(): Promise<void> {
    const { startLine } = await import('./start-line.text.js');
    this.settings.log.log(startLine(this.settings, this.backend.kind, this.resolver));
  }
}
