/**
 * The caches of one container, which have to know of each other: one without a name is the cache of all decorated methods,
 * so there is one; one that says nothing of scopes takes part in those of the others; and no two keep their entries under
 * one prefix. What is wrong stops the start, whichever of them comes first.
 */
import { Inject, Injectable, Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { newFlow } from '../assemble.js';
import type { ScopeResolver } from '../context/scope-resolver.js';
import type { CacheConfigError } from '../core/errors.js';
import { hideFromLogs } from '../core/hide-from-logs.js';
import { leadsTo, type HostModule } from './cache.container.js';
import { MODULE_OPTIONS_TOKEN } from './cache.module-definition.js';
import type * as Refusals from './cache.refusals.js';
import type { CacheSettings } from './cache.settings.js';

/** What the module of a cache shows of itself before its options are made. */
export interface RegisteredCache {
  /** Undefined: the cache of decorated methods, and of services that ask for none by name. */
  readonly name: string | undefined;
}

/** The token of the {@link RegisteredCache} of a module; one that was imported by its class alone has none. */
export const REGISTERED_CACHE: unique symbol = Symbol('cache member');

@Injectable()
export class CacheRegistry {
  static {
    hideFromLogs(this.prototype, 'CacheRegistry');
  }

  private readonly entered = new Map<RegisteredCache, CacheSettings>();
  /** Caches that became global because no cache of the container resolved scopes. */
  private readonly unscoped = new Set<RegisteredCache>();
  private waiting: (() => void)[] = [];

  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  /**
   * Says what the options of a cache are.
   * @returns undefined, or a promise that rejects with CacheConfigError naming what two caches must not have in common
   */
  enter(cache: RegisteredCache, settings: CacheSettings): Promise<never> | undefined {
    const same = this.sameAs(cache);
    if (same.length > 1) return refuse(({ twice }) => twice(cache.name, this.modules, REGISTERED_CACHE, same));
    for (const [other, { prefix }] of this.entered) {
      if (other === cache) continue;
      if (prefix === settings.prefix) return refuse(({ samePrefix }) => samePrefix(prefix, other, cache));
      if (this.unscoped.has(other) && settings.scope.resolve !== undefined)
        return refuse(({ tooLate }) => tooLate(other, cache));
    }
    this.entered.set(cache, settings);
    const { waiting } = this;
    this.waiting = [];
    for (const goOn of waiting) goOn();
    return undefined;
  }

  /** The settings of a cache, after what the others say. @throws CacheConfigError */
  async settled(cache: RegisteredCache, settings: CacheSettings): Promise<CacheSettings> {
    const { scope } = settings;
    if (scope.isExplicit) return settings;
    await this.allOthers(cache);
    const resolvers = new Map<ScopeResolver, RegisteredCache>();
    for (const [other, { scope: of }] of this.entered)
      if (of.resolve !== undefined && !resolvers.has(of.resolve)) resolvers.set(of.resolve, other);
    const [only, ...others] = resolvers;
    if (only === undefined) {
      this.unscoped.add(cache);
      return settings;
    }
    if (others.length > 0) return refuse(({ ambiguous }) => ambiguous(cache, [...resolvers.values()]));
    return Object.freeze({
      ...settings,
      scope: Object.freeze({ ...scope, resolve: only[0], defaultWidth: 'tenant' as const }),
    });
  }

  /** Refuses a module that was imported by its class alone. */
  bare(): Promise<never> {
    return refuse(({ bare }) => bare(this.modules, CacheRegistryModule));
  }

  /** Those of one name, or those without one. */
  private sameAs({ name }: RegisteredCache): readonly RegisteredCache[] {
    return [...this.caches().keys()].filter((each) => each.name === name);
  }

  /** All of the container, with the modules that register them. */
  private caches(): ReadonlyMap<RegisteredCache, HostModule> {
    const found = new Map<RegisteredCache, HostModule>();
    for (const module of this.modules.values()) {
      const cache = module.providers.get(REGISTERED_CACHE)?.instance as RegisteredCache | undefined;
      if (cache !== undefined) found.set(cache, module);
    }
    return found;
  }

  private async allOthers(cache: RegisteredCache): Promise<void> {
    for (;;) {
      const caches = this.caches();
      const missing = [...caches].filter(([each]) => !this.entered.has(each));
      if (missing.length === 0) return;
      const own = caches.get(cache);
      for (const [other, module] of missing)
        if (own !== undefined && leadsTo(module, MODULE_OPTIONS_TOKEN, own))
          return refuse(({ inACircle }) => inACircle(cache, other));
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

/** Carries the scopes of all caches of a container: what one says of a call holds for the others. */
export const CACHE_FLOW: unique symbol = Symbol('flow of the caches of a container');

/** One of each in every container, however many caches. */
@Module({
  providers: [CacheRegistry, { provide: CACHE_FLOW, useFactory: newFlow }],
  exports: [CacheRegistry, CACHE_FLOW],
})
export class CacheRegistryModule {}

/** A start that is refused can wait for the words; the others never load them. */
async function refuse(error: (texts: typeof Refusals) => CacheConfigError): Promise<never> {
  throw error(await import('./cache.refusals.js'));
}
