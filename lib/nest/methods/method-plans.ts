import type { Constructor } from '../../core/values/canonical.js';
import { CacheConfigError } from '../../core/errors.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import { ClassPlans } from './class-plans.js';
import { classConfig, decorationsOf } from './metadata.js';
import type { PlanSetting } from './method-plan.js';
import { NamespaceRegistry } from './namespace-registry.js';
import { NamedCaches } from './instances/named-caches.js';
import { plansOf, takeBack } from './instances/served-object.js';
import { ownClass, prototypeOf, type Providers } from './instances/providers.js';
import type { CacheParts } from '../cache/scoped-cache.parts.js';

/**
 * The plans of all classes that one cache serves, with those of other caches that their decorators say. Made when the
 * first object of a class gets its cache, or at the latest when the application starts: a decorator that cannot work stops the start. As many as there are such classes.
 */
export class MethodPlans {
  static {
    hideFromLogs(this.prototype, 'MethodPlans');
  }

  private readonly setting: PlanSetting;
  /** Of all caches that decorators say. */
  private readonly settings: () => readonly PlanSetting[];
  private readonly classes = new Map<Constructor, ClassPlans>();
  /** How many modules there were when it was last looked where the objects of a class come from. */
  private readonly checked = new Map<Constructor, number>();
  /** True once the objects of the application are there. */
  private isStarted = false;

  constructor(
    parts: CacheParts,
    private readonly providers?: Providers,
  ) {
    const caches = new NamedCaches(providers);
    const named = new Map<string, PlanSetting | undefined>();
    const of: PlanSetting['of'] = (name, where) => {
      // A unit test has a cache that is off, and no others.
      if (name === undefined || (this.isOff && caches.names().length === 0)) return this.setting;
      if (!named.has(name)) {
        const { plans } = caches.at(name, where) as { readonly plans?: unknown };
        named.set(name, plans instanceof MethodPlans ? { ...plans.setting, of } : undefined);
      }
      return named.get(name);
    };
    this.setting = { parts, namespaces: new NamespaceRegistry(), keyed: [], of };
    this.settings = () => [this.setting, ...[...named.values()].filter((each) => each !== undefined)];
  }

  /** The cache is switched off. */
  get isOff(): boolean {
    return !this.setting.parts.settings.isEnabled;
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

  /** The plans of an object that the caller hands in. @throws CacheConfigError when nothing says of what class it is */
  ofObject(object: object): ClassPlans {
    const type = ownClass(prototypeOf(object)) ?? this.providers?.typeOf(object);
    if (type !== undefined) return this.of(type);
    throw new CacheConfigError(
      'adopt',
      'needs an object whose class is known: its `constructor` belongs to another class, as mixins that copy methods leave it',
    );
  }

  /**
   * The same for an object that only its caller knows, whose class has to say whether its objects answer alike.
   * @throws CacheConfigError
   */
  ofAdopted(object: object): ClassPlans {
    const plans = this.ofObject(object);
    const type = ownClass(prototypeOf(object));
    const isKnown = plansOf(object) === plans || this.providers?.typeOf(object) !== undefined;
    if (isKnown || type === undefined || instancesOf(type) !== undefined) return plans;
    throw new CacheConfigError(
      `@CacheConfig ${type.name}.instances`,
      `is needed for adopt(): objects of ${type.name} that are made by hand would share their entries although they may have been given different things. Say @CacheConfig({ instances: 'shared' }) at ${type.name} where they answer alike, or a function with a text that tells them apart`,
    );
  }

  /** The same for an object that the application of this cache knows. Undefined for any other. @throws CacheConfigError */
  ofKnown(object: object): ClassPlans | undefined {
    const type = this.providers?.typeOf(object);
    // An object that a factory has made by now is a place that was not there before.
    if (type !== undefined) this.checked.delete(type);
    return type && this.of(type);
  }

  /**
   * Looks over all classes of the application, also those whose first object is made later.
   * @param serve gets each object of such a class that is there
   * @throws CacheConfigError
   */
  checkAll(serve: (object: object, plans: ClassPlans) => void): void {
    this.isStarted = true;
    for (const { type, instance } of this.providers?.all() ?? []) {
      if (decorationsOf(type).length === 0) continue;
      const plans = this.of(type);
      if (instance !== undefined) serve(instance, plans);
    }
  }

  /** Where options of namespaces are said, which most applications do without, it is looked whether they are misspelt. */
  async tellMisspelt(): Promise<void> {
    for (const { parts, namespaces } of this.settings()) {
      if (parts.settings.named.length === 0) continue;
      const { tellMisspelt } = await import('./misspelt.js');
      tellMisspelt(parts.settings, namespaces.names());
    }
  }

  /** Looks over the arguments that keys are made of. @throws CacheConfigError for one that can never be part of a key */
  async checkArguments(): Promise<void> {
    const { checkArguments } = await import('./parameters/unfit-arguments.js');
    for (const setting of this.settings()) checkArguments(setting);
  }

  /** For objects that go on, perhaps with another application: as values of providers do from test to test. */
  takeBack(): void {
    for (const { type, instance, isOfNest } of this.providers?.all() ?? []) {
      const plans = this.classes.get(type);
      if (plans !== undefined && instance !== undefined && !isOfNest) takeBack(instance, plans);
    }
  }

  /**
   * Objects of one class that are made in several places may have been given different things, and nothing in a key would
   * tell them apart.
   */
  private checkPlaces(type: Constructor): void {
    const { providers } = this;
    if (providers === undefined || this.checked.get(type) === providers.size) return;
    if (instancesOf(type) === undefined && !providers.areAlike(type, this.isStarted)) throw apart(type);
    // While an application starts, places are added that are not there yet.
    if (this.isStarted) this.checked.set(type, providers.size);
  }
}

function apart({ name }: Constructor): CacheConfigError {
  return new CacheConfigError(
    `@CacheConfig ${name}.instances`,
    `is needed: ${name} is provided in more than one place and given different things there, or what cannot be compared, ` +
      `and its objects would share their entries. Say @CacheConfig({ instances: 'shared' }) at ${name} where they answer ` +
      'alike, or a function with a text that tells them apart; or provide it once and export it from there',
  );
}

function instancesOf(type: Constructor): unknown {
  return classConfig({ type, prototype: type.prototype as object }).instances;
}
