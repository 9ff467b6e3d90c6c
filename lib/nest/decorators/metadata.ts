/** What decorators leave on classes for later. Read when an object gets its cache, so the order of decorators is free. */
import 'reflect-metadata';
import type { Constructor } from '../../core/canonical.js';
import type { Width } from '../../core/scope.js';
import type { PlanMaker } from '../method-plan.js';
import type { CacheableOptions, CacheConfigOptions } from './decorator.options.js';
import type { Member, MethodSite } from './method-site.js';

const CONFIG = Symbol.for('nestjs-scoped-cache:config');
const WIDTH = Symbol.for('nestjs-scoped-cache:width');
const CACHEABLE = Symbol.for('nestjs-scoped-cache:cacheable');
const DECORATIONS = Symbol.for('nestjs-scoped-cache:decorations');
const OUTERMOST = Symbol.for('nestjs-scoped-cache:outermost');

/** One decorator on one method, and what it makes of it in an application. */
export interface Decoration {
  readonly site: MethodSite;
  readonly plan: PlanMaker;
}

export function setClassConfig(target: object, options: CacheConfigOptions): void {
  Reflect.defineMetadata(CONFIG, options, target);
}

/** What the class of the object says of all its methods, or the nearest class it inherits from. */
export function classConfig({ type }: Member): CacheConfigOptions | undefined {
  return Reflect.getMetadata(CONFIG, type) as CacheConfigOptions | undefined;
}

export function setWidth(width: Width, target: object, name: string | undefined): void {
  if (name === undefined) Reflect.defineMetadata(WIDTH, width, target);
  else Reflect.defineMetadata(WIDTH, width, target, name);
}

/** The width of a method: its own, else that of the object's class. */
export function declaredWidth({ type, name }: Member): Width | undefined {
  return (Reflect.getMetadata(WIDTH, type.prototype as object, name) ?? Reflect.getMetadata(WIDTH, type)) as
    Width | undefined;
}

export function setCacheable(site: MethodSite, options: CacheableOptions): void {
  Reflect.defineMetadata(CACHEABLE, { site, options }, site.prototype, site.name);
}

/** What `@Cacheable` says of a method as the objects of this class have it. */
export function cacheableOf(
  type: Constructor,
  name: string,
): { readonly site: MethodSite; readonly options: CacheableOptions } | undefined {
  return Reflect.getMetadata(CACHEABLE, type.prototype as object, name) as ReturnType<typeof cacheableOf>;
}

export function addDecoration(decoration: Decoration): void {
  const { prototype, name } = decoration.site;
  const known = (Reflect.getOwnMetadata(DECORATIONS, prototype) ?? []) as readonly Decoration[];
  Reflect.defineMetadata(DECORATIONS, [...known, decoration], prototype);
  Reflect.defineMetadata(OUTERMOST, decoration.site, prototype, name);
}

/** All decorators on methods of a class and of those it inherits from. */
export function decorationsOf(type: Constructor): readonly Decoration[] {
  const found: Decoration[] = [];
  for (let level: unknown = type.prototype; typeof level === 'object' && level !== null;) {
    found.push(...((Reflect.getOwnMetadata(DECORATIONS, level) ?? []) as readonly Decoration[]));
    level = Object.getPrototypeOf(level);
  }
  return found;
}

/** A decorated method as a member of `type`. One that is reached by `super` only keeps the name of its own class too. */
export function memberOf(site: MethodSite, type: Constructor): Member {
  const outermost = Reflect.getMetadata(OUTERMOST, type.prototype as object, site.name) as MethodSite | undefined;
  const isReached = outermost === undefined || outermost.prototype === site.prototype;
  return {
    ...site,
    type,
    ownName: isReached ? `${type.name}.${site.name}` : `${type.name}.${site.title}`,
    lead: [isReached ? site.name : site.title],
  };
}

/** What the compiler noted as the return type, where it did. Of a getter that is simply its type. */
export function declaredReturnType({ prototype, name }: MethodSite): unknown {
  return (
    Reflect.getMetadata('design:returntype', prototype, name) ?? Reflect.getMetadata('design:type', prototype, name)
  );
}

/**
 * True for a route handler that answers by itself: with `@Res()` or `@Next()` and without `passthrough`. Read from what
 * Nest's own decorators leave, under the names they use since version 4.
 */
export function answersByHand({ type, name }: Member): boolean {
  const handler = methodOf(type.prototype as object, name);
  if (handler === undefined || !Reflect.hasMetadata('path', handler)) return false;
  if (Reflect.getMetadata('__responsePassthrough__', type, name) === true) return false;
  const params = (Reflect.getMetadata('__routeArguments__', type, name) ?? {}) as object;
  // `1:` is the response, `2:` is next().
  return Object.keys(params).some((param) => /^[12]:/.test(param));
}

/** The function under a name, found without running a getter. */
function methodOf(prototype: object, name: string): object | undefined {
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(level, name);
    if (descriptor !== undefined) return typeof descriptor.value === 'function' ? descriptor.value : undefined;
  }
  return undefined;
}

/** Routes, guards, pipes, Swagger: what other decorators said of a method goes along with its wrapper. */
export function carryMetadata(from: object, to: object): void {
  for (const key of Reflect.getOwnMetadataKeys(from) as unknown[])
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, from), to);
}
