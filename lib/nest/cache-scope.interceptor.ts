import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, mergeMap, Observable } from 'rxjs';
import type { Foundation } from '../assemble.js';
import type { FoundScope, ScopeResolver } from '../context/scope-resolver.js';
import { isPending } from '../core/awaitable.js';
import { CACHE_FOUNDATION, CACHE_SCOPE_RESOLVER } from './cache.tokens.js';
import { sourceOf } from './scope-source.js';

/**
 * Finds out who is asking, once per request and after the guards, and runs the handler in that scope. The module
 * registers it for the whole application; put it on a gateway or controller with `@UseInterceptors(CacheScopeInterceptor)`
 * where global interceptors do not reach.
 */
@Injectable()
export class CacheScopeInterceptor implements NestInterceptor {
  constructor(
    @Inject(CACHE_FOUNDATION) private readonly foundation: Foundation,
    @Inject(CACHE_SCOPE_RESOLVER) private readonly resolver: ScopeResolver | null,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.resolver === null) return next.handle();
    const found = this.resolver(sourceOf(execution));
    if (isPending(found)) return from(found).pipe(mergeMap((ids) => this.within(ids, next)));
    return this.within(found, next);
  }

  /** Subscribes inside the scope, since that is when the handler runs; the teardown goes back to whoever unsubscribes. */
  private within(ids: FoundScope, next: CallHandler): Observable<unknown> {
    const { context, scopes } = this.foundation;
    const frame = { scope: scopes.of(ids), loading: undefined };
    return new Observable((subscriber) => context.run(frame, () => next.handle().subscribe(subscriber)));
  }
}
