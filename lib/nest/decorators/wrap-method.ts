import { Inject } from '@nestjs/common';
import type { Constructor } from '../../core/canonical.js';
import { CacheConfigError } from '../../core/errors.js';
import { CacheService } from '../cache.service.js';
import type { PlanMaker } from '../method-plan.js';
import type { ClassPlans } from '../method-plans.js';
import { addDecoration, carryMetadata } from './metadata.js';
import type { Method, MethodSite } from './method-site.js';

/**
 * Where Nest's own property injection hands each object its cache: the right one with inheritance, request-scoped
 * providers and two applications in one process, and a missing module is Nest's own error, which names this property.
 */
const SERVICE: unique symbol = Symbol.for('CacheService of CacheModule');
/** What the cache made of the object's class. Not enumerable: it is nobody else's business. */
const PLANS: unique symbol = Symbol.for('nestjs-scoped-cache:plans');
const WRITTEN: unique symbol = Symbol.for('nestjs-scoped-cache:written');

interface Served {
  readonly [PLANS]?: ClassPlans;
}

/** Puts a plan in the place of a method or getter. An object that nobody injected simply runs its method. */
export function wrapMethod(
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor,
  decorator: string,
  begin: (site: MethodSite) => PlanMaker,
): PropertyDescriptor {
  const site = siteOf(target, name, descriptor, decorator);
  const { method } = site;
  addDecoration({ site, plan: begin(site) });
  askForService(target);
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    const plan = (this as Served | undefined)?.[PLANS]?.of(site);
    return plan === undefined ? method.apply(this, args) : plan.run(this, args);
  };
  disguise(wrapper, site);
  return descriptor.get === undefined
    ? { ...descriptor, value: wrapper }
    : { ...descriptor, get: wrapper as () => unknown };
}

function siteOf(
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  decorator: string,
): MethodSite {
  if (typeof target === 'function')
    throw new CacheConfigError(
      decorator,
      `cannot be used on the static method ${String(name)}: only objects made by Nest have a cache`,
    );
  const title = `${target.constructor.name}.${String(name)}`;
  if (typeof name === 'symbol')
    throw new CacheConfigError(decorator, `cannot be used on ${title}: a method named by a symbol has no namespace`);
  const method = (descriptor?.get ?? descriptor?.value) as Method | undefined;
  if (typeof method !== 'function')
    throw new CacheConfigError(decorator, `can only be used on methods and getters, which ${title} is not`);
  const written = (Reflect.getOwnMetadata(WRITTEN, method) ?? method) as Method;
  return { prototype: target, name, title, method, written };
}

/** Once per class: a second request would inject the same service twice. */
function askForService(target: object): void {
  if (Object.hasOwn(target, SERVICE)) return;
  Object.defineProperty(target, SERVICE, {
    configurable: true,
    set(this: object, service: unknown) {
      // A stand-in for the service, in a test of somebody's own class, has no plans: the methods simply run.
      const plans = service instanceof CacheService ? service.plans.of(this.constructor as Constructor) : undefined;
      Object.defineProperty(this, PLANS, { value: plans, configurable: true });
    },
  });
  Inject(CacheService)(target, SERVICE);
}

function disguise(wrapper: Method, { method, written }: MethodSite): void {
  Object.defineProperty(wrapper, 'name', { value: method.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: method.length, configurable: true });
  carryMetadata(method, wrapper);
  Reflect.defineMetadata(WRITTEN, written, wrapper);
}
