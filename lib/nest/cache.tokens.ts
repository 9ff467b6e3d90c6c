import { Inject } from '@nestjs/common';
import { CacheService } from './cache.service.js';
import { namedCache } from './methods/instances/named-caches.js';

/*
 * Tokens of the module's providers. Each of them can be replaced: with `overrideProvider` in a test, or by a provider
 * of
 * your own in `forRoot({ providers: [{ provide: CACHE_CLOCK, useValue: clock }] })`. Registered symbols, so that two
 * copies of the library in one process mean the same thing.
 */

/** The resolved settings of the module. */
export const CACHE_SETTINGS: unique symbol = Symbol.for('nestjs-scoped-cache:settings');
/** The clock everything runs on: a {@link Clock}. */
export const CACHE_CLOCK: unique symbol = Symbol.for('nestjs-scoped-cache:clock');
/** Keys, counters, events and context: what backend and engine stand on. */
export const CACHE_FOUNDATION: unique symbol = Symbol.for('nestjs-scoped-cache:foundation');
/** Carries the scope along a call, for all caches of the application: a {@link CacheContext}. */
export const CACHE_CONTEXT: unique symbol = Symbol.for('nestjs-scoped-cache:context');
/** Where entries live: a {@link Backend}. */
export const CACHE_BACKEND: unique symbol = Symbol.for('nestjs-scoped-cache:backend');
/** The flow of a call: a {@link CacheEngine}. */
export const CACHE_ENGINE: unique symbol = Symbol.for('nestjs-scoped-cache:engine');
/** Finds out who is asking: a {@link ScopeResolver}, or null where the options have none. */
export const CACHE_SCOPE_RESOLVER: unique symbol = Symbol.for('nestjs-scoped-cache:scope-resolver');

/** The injection token of a cache: the CacheService class for the unnamed one. */
export function getCacheToken(name?: string): typeof CacheService | symbol {
  return name === undefined ? CacheService : namedCache(name);
}

/**
 * Injects a cache that was registered with a name: `forRoot({ name: 'reports', … })`.
 * @example
 * class Reports {
 *   constructor(@InjectCache('reports') private readonly cache: CacheService) {}
 * }
 */
export function InjectCache(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getCacheToken(name));
}
