import type { Constructor } from '../core/canonical.js';
import { CacheConfigError } from '../core/errors.js';
import { veil } from '../core/veil.js';
import { memberOf } from './decorators/members.js';
import { classConfig, decorationsOf, type Decoration } from './decorators/metadata.js';
import type { MethodSite } from './decorators/method-site.js';
import { checkOrder } from './decorator-order.js';
import type { MethodPlan, PlanSetting } from './method-plan.js';
import { NamespaceBook } from './namespace-book.js';
import { ownClass, prototypeOf, type Providers } from './providers.js';
import type { CacheParts } from './scoped-cache.parts.js';

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
    this.of = ({ site, plan }) => {
      const known = plans.get(site);
      if (known !== undefined) return known;
      const made = plan(setting, memberOf(site, type));
      // Those below it on the same method were made before: decorators are evaluated from below.
      for (const [below, { place }] of plans)
        if (below.prototype === site.prototype && below.name === site.name) checkOrder(site.title, made.place, place);
      plans.set(site, made);
      return made;
    };
    for (const decoration of decorationsOf(type)) this.of(decoration);
  }
}

/**
 * The plans of all classes that one cache serves. Made when the first object of a class gets its cache, or at the latest
 * when the application starts: a decorator that cannot work stops the start. As many as there are such classes.
 */
export class MethodPlans {
  static {
    veil(this.prototype, 'MethodPlans');
  }

  private readonly setting: PlanSetting;
  private readonly classes = new Map<Constructor, ClassPlans>();
  /** How many modules there were when it was last looked where the objects of a class come from. */
  private readonly checked = new Map<Constructor, number>();

  constructor(
    parts: CacheParts,
    private readonly providers?: Providers,
  ) {
    this.setting = { parts, book: new NamespaceBook() };
  }

  /** @throws CacheConfigError */
  of(type: Constructor): ClassPlans {
    this.checkPlaces(type);
    const known = this.classes.get(type);
    if (known !== undefined) return known;
    const made = new ClassPlans(this.setting, type);
    this.classes.set(type, made);
    return made;
  }

  /** The plans of an object that somebody hands in. @throws CacheConfigError when nothing says of what class it is */
  ofObject(object: object): ClassPlans {
    const type = ownClass(prototypeOf(object)) ?? this.providers?.typeOf(object);
    if (type !== undefined) return this.of(type);
    throw new CacheConfigError(
      'adopt',
      'needs an object whose class is known: its `constructor` belongs to another class, as mixins that copy methods leave it',
    );
  }

  /** The same for an object that the application of this cache knows. Undefined for any other. @throws CacheConfigError */
  ofKnown(object: object): ClassPlans | undefined {
    const type = this.providers?.typeOf(object);
    return type && this.of(type);
  }

  /**
   * Looks over all classes of the application, also those whose first object is made later.
   * @param serve gets each object of such a class that is there
   * @throws CacheConfigError
   */
  checkAll(serve: (object: object, plans: ClassPlans) => void): void {
    for (const { type, instance } of this.providers?.all() ?? []) {
      if (decorationsOf(type).length === 0) continue;
      const plans = this.of(type);
      if (instance !== undefined) serve(instance, plans);
    }
  }

  /**
   * Objects of one class that are made in several places may have been given different things, and nothing in a key would
   * tell them apart.
   */
  private checkPlaces(type: Constructor): void {
    const { providers } = this;
    if (providers === undefined || this.checked.get(type) === providers.size) return;
    if (instancesOf(type) === undefined && providers.placesOf(type).size > 1)
      throw new CacheConfigError(
        `@CacheConfig ${type.name}.instances`,
        `is needed: ${type.name} is provided in more than one place, and its objects would share their entries although they may have been given different things. Say 'shared' where they answer alike, or a function with a text that tells them apart; or provide it once and export it from there`,
      );
    this.checked.set(type, providers.size);
  }
}

function instancesOf(type: Constructor): unknown {
  return classConfig({ type, prototype: type.prototype as object }).instances;
}
