import 'reflect-metadata';
import { Inject, Injectable, RequestMethod } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Foundation } from '../../assemble.js';
import { LateScopeResolver } from '../../context/late-scope-resolver.js';
import type { CacheContext } from '../../context/cache-context.js';
import { readsOnly, type ScopeResolver } from '../../context/scope-resolver.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { CacheScopeInterceptor } from './cache-scope.interceptor.js';
import { CACHE_FOUNDATION, CACHE_SCOPE_RESOLVER } from '../cache.tokens.js';

type Handler = (this: unknown, request: unknown, response: unknown, next: unknown) => unknown;
type Register = (...args: unknown[]) => unknown;

/** The adapters whose handlers get request, response and next as Nest passes them on. */
const ADAPTERS: ReadonlySet<string> = new Set(['express', 'fastify']);

/** The methods of an adapter under which Nest registers routes. */
const METHODS: readonly string[] = Object.freeze(
  Object.keys(RequestMethod)
    .filter((name) => Number.isNaN(Number(name)))
    .map((name) => name.toLowerCase()),
);

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
@Injectable()
export class HttpRoutes {
  static {
    hideFromLogs(this.prototype, 'HttpRoutes');
  }

  private areBeingMade = false;

  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(CACHE_FOUNDATION) private readonly foundation: Foundation,
    @Inject(CACHE_SCOPE_RESOLVER) private readonly resolver: ScopeResolver | null,
    @Inject(CacheScopeInterceptor) private readonly interceptor: CacheScopeInterceptor,
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
    this.wrapRoutesOf(httpAdapter as unknown as Record<string, Register>, resolver);
  }

  /** They have been made: the interceptor is back for whatever is made later. */
  end(): void {
    if (!this.areBeingMade) return;
    this.areBeingMade = false;
    Reflect.deleteProperty(this.interceptor, 'intercept');
  }

  private wrapRoutesOf(adapter: Record<string, Register>, resolver: ScopeResolver): void {
    for (const method of METHODS) {
      const register = adapter[method];
      if (typeof register !== 'function') continue;
      // Stays there afterwards and does nothing: another cache may have put its own around it.
      adapter[method] = (...args) => {
        const handler = args.at(-1);
        if (!this.areBeingMade || typeof handler !== 'function') return register.apply(adapter, args);
        return register.call(adapter, ...args.slice(0, -1), this.inScope(handler as Handler, resolver));
      };
    }
  }

  private inScope(handler: Handler, resolver: ScopeResolver): Handler {
    const { context, scopes } = this.foundation;
    // Fastify tells its own handlers by `this` which server they belong to.
    const call = handler.call.bind(handler) as (self: unknown, ...args: Parameters<Handler>) => unknown;
    const scoped: Handler = function (request, response, next) {
      const onward = typeof next === 'function' ? outside(context, next as Register) : next;
      return context.serve(new LateScopeResolver(request, resolver, scopes), call, this, request, response, onward);
    };
    return disguised(scoped, handler);
  }
}

/** What the handler passes the request on to is no longer this route: middleware may stand there, and make it wait. */
function outside(context: CacheContext, next: Register): Register {
  return (...args) => context.outside(() => next(...args));
}

/** With everything that adapters read from a handler: its name, its version, the metadata of its route. */
function disguised(handler: Handler, original: Handler): Handler {
  for (const key of Reflect.getOwnMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), handler);
  }
  return Object.defineProperty(Object.assign(handler, original), 'name', { value: original.name, configurable: true });
}
