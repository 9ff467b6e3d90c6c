/** Handlers of HTTP routes that run in the scope of their request. Loaded while the application starts. */
import 'reflect-metadata';
import { RequestMethod } from '@nestjs/common';
import type { Foundation } from '../../assemble.js';
import { LateScopeResolver } from '../../context/late-scope-resolver.js';
import type { CacheContext } from '../../context/cache-context.js';
import type { ScopeResolver } from '../../context/scope-resolver.js';

type Handler = (this: unknown, request: unknown, response: unknown, next: unknown) => unknown;
export type Register = (...args: unknown[]) => unknown;

/** The methods of an adapter under which Nest registers routes. */
const METHODS: readonly string[] = Object.freeze(
  Object.keys(RequestMethod)
    .filter((name) => Number.isNaN(Number(name)))
    .map((name) => name.toLowerCase()),
);

/** @param areBeingMade whether those of this cache's application are; all others are left alone */
export function wrapRoutesOf(
  adapter: Record<string, Register>,
  foundation: Foundation,
  resolver: ScopeResolver,
  areBeingMade: () => boolean,
): void {
  for (const method of METHODS) {
    const register = adapter[method];
    if (typeof register !== 'function') continue;
    // Stays there afterwards and does nothing: another cache may have put its own around it.
    adapter[method] = (...args) => {
      const handler = args.at(-1);
      if (!areBeingMade() || typeof handler !== 'function') return register.apply(adapter, args);
      return register.call(adapter, ...args.slice(0, -1), inScope(handler as Handler, foundation, resolver));
    };
  }
}

function inScope(handler: Handler, { context, scopes }: Foundation, resolver: ScopeResolver): Handler {
  // Fastify tells its own handlers by `this` which server they belong to.
  const call = handler.call.bind(handler) as (self: unknown, ...args: Parameters<Handler>) => unknown;
  const scoped: Handler = function (request, response, next) {
    const onward = typeof next === 'function' ? outside(context, next as Register) : next;
    return context.serve(new LateScopeResolver(request, resolver, scopes), call, this, request, response, onward);
  };
  return disguised(scoped, handler);
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
