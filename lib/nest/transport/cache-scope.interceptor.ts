import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, mergeMap, Observable } from 'rxjs';
import type { Foundation } from '../../assemble.js';
import { missedBy } from '../../context/resolver-notes.js';
import type { Why } from '../../context/scope-store.js';
import type { FoundScope, ScopeResolver } from '../../context/scope-resolver.js';
import type { Awaitable } from '../../core/async/awaitable.js';
import { NO_SCOPE } from '../../core/keys/scope.js';
import { ifAny } from '../../core/if-any.js';
import { CACHE_FOUNDATION, CACHE_SCOPE_RESOLVER } from '../cache.tokens.js';
import { incomingOf, sourceOf } from './scope-source.js';

/**
 * Finds out who is asking, once per request and after the guards, and runs the handler in that scope. The module
 * registers it for the whole application. It stands aside on HTTP routes of Express and Fastify where the resolver only
 * reads the request (`fromClaims`, `fromHeader`, `fromSubdomain`, and `firstOf` of these): there each call of the cache
 * asks by itself, and requests that cache nothing pay nothing for it. Elsewhere it is Nest's matter what it reaches:
 *
 * - HTTP and server-sent events; GraphQL queries and mutations; `createMicroservice`: yes
 * - fields of GraphQL (`@ResolveField`): with `fieldResolverEnhancers: ['interceptors']`
 * - WebSocket gateways: from Nest 12 on; on Nest 11 with `@UseInterceptors(CacheScopeInterceptor)`
 * - microservices of a hybrid application (`connectMicroservice`): with `{ inheritAppConfig: true }`, or with
 *   `@UseInterceptors(CacheScopeInterceptor)`
 * - middleware, and guards where it stands; cron jobs, queues, event listeners, scripts: no; they have
 *   `cache.runInScope(…)`, and methods the `context` option
 *
 * Where it does not reach, calls that need a tenant fail closed. Caches with the same resolver share what it finds,
 * which is asked once; one with another has its own: with `@UseInterceptors` it is that of the unnamed cache.
 */
@Injectable()
export class CacheScopeInterceptor implements NestInterceptor {
  constructor(
    @Inject(CACHE_FOUNDATION) private readonly foundation: Foundation,
    @Inject(CACHE_SCOPE_RESOLVER) private readonly resolver: ScopeResolver | null,
  ) {
    if (resolver !== null) foundation.context.resolveBy(resolver);
  }

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { resolver } = this;
    if (resolver === null) return next.handle();
    // Another cache with the same resolver has asked before.
    if (this.foundation.context.knows(execution, incomingOf(execution))) return next.handle();
    // What a resolver of the application reads from the cache it reads for no caller, or for the scope that it names.
    const found = this.foundation.context.outside(() => resolver(sourceOf(execution)));
    // Any promise, also one of another make: what is waited for is never mistaken for an answer without a tenant.
    if (isLater(found)) return from(found).pipe(mergeMap((ids) => this.within(ids, execution, next, resolver)));
    return this.within(found, execution, next, resolver);
  }

  /** Subscribes inside the scope, since that is when the handler runs; the teardown goes back to the caller of it. */
  private within(
    ids: FoundScope,
    execution: ExecutionContext,
    next: CallHandler,
    resolver: ScopeResolver,
  ): Observable<unknown> {
    const { context, scopes, coreSettings } = this.foundation;
    // Ids that are none fail the request; not that of a cache that is switched off, which fails nothing.
    const scope = coreSettings.isEnabled ? scopes.of(ids) : (ifAny(() => scopes.of(ids)) ?? NO_SCOPE);
    // A handler that is called inside of a load goes on being watched by it.
    const frame = { scope, loading: context.loading() };
    const why: Why = (part) => missedBy(resolver, sourceOf(execution), part, ids ?? null);
    return new Observable((subscriber) =>
      context.begin(execution, frame, () => next.handle().subscribe(subscriber), incomingOf(execution), why),
    );
  }
}

function isLater(found: Awaitable<FoundScope>): found is Promise<FoundScope> {
  return typeof (found as { then?: unknown } | null | undefined)?.then === 'function';
}
