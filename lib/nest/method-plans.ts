import type { CacheableOptions, CacheEvictOptions } from './decorators/decorator.options.js';
import type { MethodSite } from './decorators/metadata.js';
import { CacheablePlan } from './cacheable.plan.js';
import { EvictPlan } from './evict.plan.js';
import { PutPlan } from './put.plan.js';
import type { CacheParts } from './scoped-cache.parts.js';

/**
 * What each decorator means in this cache: policies resolved, keys and tags made ready. Worked out when a method is
 * first called and kept; there are as many plans as decorators in the application's source.
 */
export class MethodPlans {
  private readonly cacheables = new Map<MethodSite, CacheablePlan>();
  private readonly puts = new Map<MethodSite, PutPlan>();
  private readonly evicts = new Map<MethodSite, EvictPlan>();

  constructor(private readonly parts: CacheParts) {}

  cacheable(site: MethodSite, options: CacheableOptions): CacheablePlan {
    return this.cacheables.get(site) ?? keep(this.cacheables, site, new CacheablePlan(this.parts, site, options));
  }

  put(site: MethodSite, options: CacheableOptions): PutPlan {
    return this.puts.get(site) ?? keep(this.puts, site, new PutPlan(this.parts, site, options));
  }

  evict(site: MethodSite, options: CacheEvictOptions): EvictPlan {
    return (
      this.evicts.get(site) ??
      keep(this.evicts, site, new EvictPlan(this.parts, site, options, (other, said) => this.cacheable(other, said)))
    );
  }
}

function keep<P>(plans: Map<MethodSite, P>, site: MethodSite, plan: P): P {
  plans.set(site, plan);
  return plan;
}
