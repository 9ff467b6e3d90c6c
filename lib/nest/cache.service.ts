import { CacheConfigError } from '../core/errors.js';
import { NO_SCOPE } from '../core/keys/scope.js';
import { statsOf, type CacheStats } from '../core/stats.js';
import { quietly, removingOf } from './cache/quietly.js';
import { AMBIENT } from './cache/scope-binding.js';
import { ScopedCache } from './cache/scoped-cache.js';
import type { CacheParts } from './cache/scoped-cache.parts.js';
import type { ClearEverythingOptions } from './cache/scoped-cache.types.js';
import { MethodPlans } from './methods/method-plans.js';
import type { Providers } from './methods/instances/providers.js';
import { give } from './methods/instances/served-object.js';

/**
 * The cache, bound to the scope of the running call. Inject it and use it as a {@link ScopedCache}; the width is
 * `scope.default` of the module. Of several caches this class leads to the one without a name, in
 * `app.get(CacheService)` too; one with a name is `app.get(getCacheToken('reports'))`, or `@InjectCache('reports')`.
 *
 * @example
 * @Injectable()
 * class Reports {
 *   constructor(
 *     private readonly cache: CacheService,
 *     private readonly source: ReportsRepository,
 *   ) {}
 *
 *   find(id: string): Promise<Report> {
 *     return this.cache.namespace('reports').getOrSet(id, () => this.source.find(id), { ttl: '5m' });
 *   }
 * }
 */
export class CacheService extends ScopedCache {
  private readonly planned: () => MethodPlans;

  constructor(parts: CacheParts, providers?: Providers) {
    super(parts, { binding: AMBIENT, width: parts.settings.scope.defaultWidth, namespace: undefined });
    const plans = new MethodPlans(parts, providers);
    this.planned = () => plans;
  }

  /** @internal What the decorators of this cache's methods have been resolved to. */
  get plans(): MethodPlans {
    return this.planned();
  }

  /**
   * Gives the decorated methods of an object this cache, for objects that Nest does not make: those of a factory that
   * runs for every request, or made by hand. What Nest makes, and what a provider holds, has it already. Of objects
   * that are made by hand the class says what they have to do with each other: `instances` of its `@CacheConfig`.
   * @returns the object
   * @throws CacheConfigError for a decorator that cannot work, for a class that says no `instances`, and for an object
   * that cannot be extended
   * @example
   * @CacheConfig({ instances: 'shared' })
   * class Rates {
   *   @Cacheable('1h')
   *   async dollar(): Promise<number> {
   *     return fetchRate('usd');
   *   }
   * }
   * const provider = {
   *   provide: Rates,
   *   scope: Scope.REQUEST,
   *   inject: [CacheService],
   *   useFactory: (cache: CacheService) => cache.adopt(new Rates()),
   * };
   */
  adopt<T extends object>(object: T): T {
    return give(object, this.plans.ofAdopted(object));
  }

  /**
   * The figures of the whole cache, all tenants together; sizes are undefined while the backend does not answer.
   * @example const { hits, misses, utilization } = await cache.totals();
   */
  async totals(): Promise<CacheStats> {
    const { engine, foundation } = this.parts;
    this.noteAllTenants();
    const held = await engine.holdings(undefined);
    return statsOf(foundation.statsRegistry.totals, held, foundation.statsRegistry.span());
  }

  /**
   * Removes everything of all tenants, or with `namespace` one namespace of all of them, users and the global part included:
   * the only call that crosses tenants, so it wants to be meant. One tenant is invalid after the other, each in one step
   * (one for each shard, where it has several) however many entries it has; counting comes after that. Loads under way then
   * are not stored. With `failSilently: true` what the backend does not confirm stays queued, and the call answers 0.
   * @param options `namespace`: as it is written at decorators and in `namespace()`, all versions of it; left out, all of
   *   them. A variable that happens to be `undefined` is refused, since it would clear everything
   * @returns how many live entries that were; behind a network at most those counted within half of `longTimeout`
   * @throws CacheConfigError when it is not meant, or for what is no namespace; InvalidationUnknownError when not all tenants
   *   were reached in time: it stays queued, and no read of this process that the server answers finds what it removes
   * @example await cache.clearEverything({ confirm: 'all tenants' });
   * @example await cache.clearEverything({ confirm: 'all tenants', namespace: 'prices' });
   */
  async clearEverything(options: ClearEverythingOptions): Promise<number> {
    if (this.isOff) return 0;
    const { own, isSilent, reason } = removingOf<ClearEverythingOptions>(options, ['confirm', 'namespace']);
    const { confirm, namespace = this.namespaceName } = own;
    if (confirm !== 'all tenants') {
      throw new CacheConfigError('confirm', "must be 'all tenants': this removes what every tenant has cached");
    }
    const { keyFactory } = this.parts.foundation;
    const isOne = Object.hasOwn(own, 'namespace');
    const view = isOne ? keyFactory.everywhere(own.namespace as string) : undefined;
    this.noteAllTenants();
    const space = keyFactory.space(NO_SCOPE, 'global', namespace);
    return quietly(isSilent, 0, () => this.parts.engine.writes.clearEverything(space, view, reason));
  }
}
