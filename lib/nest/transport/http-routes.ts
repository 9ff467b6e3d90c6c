import type { HttpAdapterHost } from '@nestjs/core';
import type { Foundation } from '../../assemble.js';
import { readsOnly, type ScopeResolver } from '../../context/scope-resolver.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { wrapRoutesOf, type Register } from './scoped-routes.js';
import { CacheScopeInterceptor } from './cache-scope.interceptor.js';

/** The adapters whose handlers get request, response and next as Nest passes them on. */
const ADAPTERS: ReadonlySet<string> = new Set(['express', 'fastify']);

/**
 * Runs the handlers of HTTP routes in the scope of their request without an interceptor: a single one makes Nest build
 * a chain of Observables for every request, also for those that cache nothing.
 *
 * What Nest registers as the handler of a route, guards and all, is wrapped on its way to the adapter: behind every
 * middleware and hook, since those may go on in the callback of another request. From there on Nest waits for promises,
 * which come back to the caller that waits; what interceptors of the application do is the matter of `ScopePropagation`.
 * While the routes are made the interceptor stands aside; a route that is missed has no scope and fails closed. All
 * others (gateways, messages, GraphQL) are made before or after.
 */
export class HttpRoutes {
  static {
    hideFromLogs(this.prototype, 'HttpRoutes');
  }

  private areBeingMade = false;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly foundation: Foundation,
    private readonly resolver: ScopeResolver | null,
    private readonly interceptor: CacheScopeInterceptor,
  ) {}

  /** Routes are made from here on. */
  begin(): void {
    const { resolver, interceptor } = this;
    const { httpAdapter } = this.host;
    if (!ADAPTERS.has(httpAdapter?.getType())) return;
    // One that has been replaced may do more than ours.
    if (Object.getPrototypeOf(interceptor) !== CacheScopeInterceptor.prototype) return;
    if (Object.hasOwn(interceptor, 'intercept')) return;
    if (resolver !== null && !readsOnly(resolver)) return;
    this.areBeingMade = true;
    // Nest leaves out interceptors that cannot intercept.
    Object.defineProperty(interceptor, 'intercept', { value: undefined, configurable: true });
    if (resolver === null) return;
    wrapRoutesOf(
      httpAdapter as unknown as Record<string, Register>,
      this.foundation,
      resolver,
      () => this.areBeingMade,
    );
  }

  /** They have been made: the interceptor is back for whatever is made later. */
  end(): void {
    if (!this.areBeingMade) return;
    this.areBeingMade = false;
    Reflect.deleteProperty(this.interceptor, 'intercept');
  }
}
