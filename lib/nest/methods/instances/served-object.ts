import { CacheConfigError } from '../../../core/errors.js';
import type { ClassPlans } from '../class-plans.js';

/**
 * Where Nest's own property injection hands each object its cache: the right one with inheritance, request-scoped
 * providers and two applications in one process, and a missing module is Nest's own error, which names this property: so its
 * name says what to write.
 */
export const SERVICE: unique symbol = Symbol.for(
  "CacheService of CacheModule.forRoot() in the root module; in a test write imports: [CacheTestingModule.forUnit()] (from 'nestjs-scoped-cache/testing')",
);

/** What the cache made of an object's class. Not enumerable: it is of no use to anything else. */
const PLANS: unique symbol = Symbol.for('nestjs-scoped-cache:plans');

interface Served {
  readonly [PLANS]?: ClassPlans | null;
}

/** The plans of an object: null for one whose methods simply run, undefined for one that was given nothing. */
export function plansOf(object: unknown): ClassPlans | null | undefined {
  return (object as Served | null | undefined)?.[PLANS];
}

/** @throws CacheConfigError for an object that cannot be extended */
export function give<T extends object>(object: T, plans: ClassPlans | null): T {
  if (Reflect.defineProperty(object, PLANS, { value: plans, configurable: true })) return object;
  throw new CacheConfigError(
    object.constructor?.name ?? 'object',
    'is frozen or sealed, so it cannot be given its cache, by Nest or adopt(): freeze what it holds, not the object itself',
  );
}

/** Leaves an object as it was before it was given plans: those of a cache that closes serve nothing any more. */
export function takeBack(object: object, plans: ClassPlans): void {
  if (plansOf(object) === plans) Reflect.deleteProperty(object, PLANS);
}
