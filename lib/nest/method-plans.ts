import type { Constructor } from '../core/canonical.js';
import { decorationsOf, memberOf } from './decorators/metadata.js';
import type { MethodSite } from './decorators/method-site.js';
import type { MethodPlan, PlanSetting } from './method-plan.js';
import { NamespaceBook } from './namespace-book.js';
import type { CacheParts } from './scoped-cache.parts.js';

/** What the decorators of one class mean in one cache: policies resolved, keys and tags made ready. */
export class ClassPlans {
  private readonly plans = new Map<MethodSite, MethodPlan>();

  /** @throws CacheConfigError */
  constructor(setting: PlanSetting, type: Constructor) {
    for (const { site, plan } of decorationsOf(type)) this.plans.set(site, plan(setting, memberOf(site, type)));
  }

  /** Undefined when the class has no such decorator. */
  of(site: MethodSite): MethodPlan | undefined {
    return this.plans.get(site);
  }
}

/**
 * The plans of all classes that one cache serves. Made when the first object of a class gets its cache, which for most
 * is while the application starts: a decorator that cannot work stops the start. As many as there are such classes.
 */
export class MethodPlans {
  private readonly setting: PlanSetting;
  private readonly classes = new Map<Constructor, ClassPlans>();

  constructor(parts: CacheParts) {
    this.setting = { parts, book: new NamespaceBook() };
  }

  /** @throws CacheConfigError */
  of(type: Constructor): ClassPlans {
    const known = this.classes.get(type);
    if (known !== undefined) return known;
    const made = new ClassPlans(this.setting, type);
    this.classes.set(type, made);
    return made;
  }
}
