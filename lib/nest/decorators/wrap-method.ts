import { Inject, Optional } from '@nestjs/common';
import type { Constructor } from '../../core/values/canonical.js';
import { CacheConfigError } from '../../core/errors.js';
import { CacheService } from '../cache.service.js';
import type { ClassPlans } from '../methods/class-plans.js';
import { findPlans, isAnyOpen } from '../methods/open-caches.js';
import { namedCache } from '../methods/instances/named-caches.js';
import { give, plansOf, SERVICE } from '../methods/instances/served-object.js';
import { standardDecorator } from './standard-decorator.js';
import { addDecoration, carryMetadata, type Decoration } from '../methods/metadata.js';
import type { Method, MethodSite } from '../methods/method-site.js';

const WRITTEN: unique symbol = Symbol.for('nestjs-scoped-cache:written');

/**
 * Puts a plan in the place of a method or getter. On an object that was given no cache, the method simply runs as long as
 * no cache is open in the process, and is refused while one is: it would be neither cached nor, which is worse, evict.
 */
export function wrapMethod(
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor,
  decorator: string,
  begin: (site: MethodSite) => Omit<Decoration, 'site' | 'decorator'>,
): PropertyDescriptor {
  const site = siteOf(target, name, descriptor, decorator);
  const { method } = site;
  const decoration: Decoration = { ...begin(site), site, decorator };
  addDecoration(decoration);
  askForService(target);
  if (decoration.cache !== undefined) askForCache(target, decoration.cache);
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    let plans = plansOf(this);
    if (plans === undefined) plans = plansFor(this, decoration);
    return plans === null ? method.apply(this, args) : plans.of(decoration).run(this, args);
  };
  disguise(wrapper, site);
  // In place: what applies several decorators as one, as Nest's applyDecorators does, passes over what they return.
  return Object.assign(descriptor, descriptor.get === undefined ? { value: wrapper } : { get: wrapper });
}

/**
 * The plans of an object that Nest has not injected: made by a factory, given as a value, or of a class that other classes
 * copied their methods into. Null when there is no cache.
 * @throws CacheConfigError when no open cache knows the object
 */
function plansFor(self: unknown, { site, decorator }: Decoration): ClassPlans | null {
  if (!isAnyOpen()) return null;
  if (typeof self === 'object' && self !== null) {
    // Whatever looks at a class reads the getters of its prototype.
    if (Object.hasOwn(self, 'constructor') && (self.constructor as Constructor).prototype === self) return null;
    const plans = findPlans(self);
    if (plans !== undefined) {
      give(self, plans);
      return plans;
    }
  }
  throw new CacheConfigError(
    `${decorator} ${site.title}`,
    self === undefined || self === null
      ? 'is called without its object, and so without its cache; call it as a method, or bind it to its object'
      : 'runs on an object that Nest has not made, or not made yet (in its constructor), and so without its cache; let Nest make the object, hand it to adopt() of the CacheService, or close the application first',
  );
}

function siteOf(
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  decorator: string,
): MethodSite {
  if (typeof name === 'object') throw standardDecorator(decorator);
  if (typeof target === 'function')
    throw new CacheConfigError(
      decorator,
      `cannot be used on the static method ${String(name)}: only objects made by Nest have a cache`,
    );
  const className = target.constructor.name;
  const title = `${className}.${String(name)}`;
  if (typeof name === 'symbol')
    throw new CacheConfigError(decorator, `cannot be used on ${title}: a method named by a symbol has no namespace`);
  const method = (descriptor?.get ?? descriptor?.value) as Method | undefined;
  if (typeof method !== 'function')
    throw new CacheConfigError(decorator, `can only be used on methods and getters, which ${title} is not`);
  const written = (Reflect.getOwnMetadata(WRITTEN, method) ?? method) as Method;
  if (descriptor?.get !== undefined && !isGetter(written, Reflect.getMetadata('design:type', target, name)))
    throw new CacheConfigError(
      decorator,
      `stands over a decorator that has made an accessor of the method ${title}, as those do that bind methods to their object; put it below that decorator`,
    );
  return { prototype: target, name, className, title, method, written };
}

/** False for an accessor in the place of a method: what it returns is the method, and calls pass its wrapper by. */
function isGetter(written: Method, type: unknown): boolean {
  if (type !== undefined) return type !== Function;
  return /^get(?:\s+(?![\s(])|(?=[["']))/.test(Function.prototype.toString.call(written));
}

/** Once per class: a second request would inject the same service twice. */
function askForService(target: object): void {
  if (Object.hasOwn(target, SERVICE)) return;
  Object.defineProperty(target, SERVICE, {
    configurable: true,
    set(this: object, service: unknown) {
      // A stand-in for the service, in the test of an application's class, has no plans: the methods simply run.
      give(this, service instanceof CacheService ? service.plans.ofObject(this) : null);
    },
  });
  Inject(CacheService)(target, SERVICE);
}

/**
 * Has the cache of a name made before the first object of a class. Where there is none, the plans say so, and of which
 * method: Nest would name the class alone.
 */
export function askForCache(target: object, name: string): void {
  const token = namedCache(name);
  if (Object.hasOwn(target, token)) return;
  Object.defineProperty(target, token, { configurable: true, set: askedFor });
  Inject(token)(target, token);
  Optional()(target, token);
}

/** What is injected is found by its token: an object need not hold it. */
function askedFor(): void {
  // Taken, and not kept.
}

function disguise(wrapper: Method, { method, written }: MethodSite): void {
  Object.defineProperty(wrapper, 'name', { value: method.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: method.length, configurable: true });
  carryMetadata(method, wrapper);
  Reflect.defineMetadata(WRITTEN, written, wrapper);
}
