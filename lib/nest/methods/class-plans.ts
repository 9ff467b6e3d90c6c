import type { Constructor } from '../../core/values/canonical.js';
import { checkOrder } from './decorator-order.js';
import { memberOf } from './members.js';
import { cacheOf, decorationsOf, type Decoration } from './metadata.js';
import type { Member, MethodSite } from './method-site.js';
import type { MethodPlan, PlanSetting } from './method-plan.js';

/** What the decorators of one class mean in one cache: policies resolved, keys and tags made ready. */
export class ClassPlans {
  /**
   * Made here and now for a method that was copied from a class that this one does not inherit from. A closure: plans
   * stand on every object of the class, and know everything that the cache does. @throws CacheConfigError
   */
  readonly of: (decoration: Decoration) => MethodPlan;

  /** @throws CacheConfigError */
  constructor(setting: PlanSetting, type: Constructor) {
    const plans = new Map<MethodSite, MethodPlan>();
    this.of = (decoration) => {
      const { site, plan, decorator } = decoration;
      const known = plans.get(site);
      if (known !== undefined) return known;
      const member = memberOf(site, type);
      const its = setting.of(cacheOf(decoration, member), `${decorator} ${site.title}.cache`);
      const made = its === undefined ? unserved(member, decorator) : plan(its, member);
      // Those below it on the same method were made before: decorators are evaluated from below.
      for (const [below, { place }] of plans)
        if (below.prototype === site.prototype && below.name === site.name) checkOrder(site.title, made.place, place);
      plans.set(site, made);
      return made;
    };
    for (const decoration of decorationsOf(type)) this.of(decoration);
  }
}

/** Of a cache in whose place a test has put something else. */
function unserved({ method }: Member, decorator: string): MethodPlan {
  return {
    place: { decorator, width: 'global', hasExplicitScope: true, entersKey: false },
    run: (self, args) => method.apply(self, args),
  };
}
