/**
 * What decorators leave on classes for later. Read when an object gets its cache, so the order of decorators is free.
 * All of it stands at prototypes: whose class an object is of, its prototype chain says, whatever became of the name and
 * the `constructor` of the class.
 */
import 'reflect-metadata';
import type { Constructor } from '../../core/values/canonical.js';
import type { Width } from '../../core/keys/scope.js';
import type { PlanMaker } from './method-plan.js';
import type { CacheableOptions, CacheConfigOptions } from './decorator.options.js';
import type { Member, MethodSite } from './method-site.js';

const CONFIG = Symbol.for('nestjs-scoped-cache:config');
const WIDTH = Symbol.for('nestjs-scoped-cache:width');
const DECORATIONS = Symbol.for('nestjs-scoped-cache:decorations');

/** One decorator on one method, and what it makes of it in an application. */
export interface Decoration {
  readonly site: MethodSite;
  readonly plan: PlanMaker;
  /** `@Cacheable`, `@CachePut`, `@CacheEvict`. */
  readonly decorator: string;
  /** The cache that it says itself. */
  readonly cache: string | undefined;
  /** Which callers share its entries, as its `scope` option says. */
  readonly scope: Width | undefined;
  /** What a `@Cacheable` was given. */
  readonly cacheable: CacheableOptions | undefined;
}

export function setClassConfig(target: Constructor, options: CacheConfigOptions): void {
  Reflect.defineMetadata(CONFIG, options, target.prototype as object);
}

/**
 * What the classes of a member say of all their methods, option by option: the nearest class that says something counts,
 * and what it leaves out is what its bases say.
 */
export function classConfig(member: Pick<Member, 'type' | 'prototype'>): CacheConfigOptions {
  const merged: Record<string, unknown> = {};
  for (const level of lineOf(member).toReversed()) {
    for (const [name, value] of Object.entries(ownConfig(level))) if (value !== undefined) merged[name] = value;
  }
  return merged;
}

/** The name of the cache of a decorated method: what it says itself, else what its class says. Undefined: none is said. */
export function cacheOf({ cache }: Decoration, member: Pick<Member, 'type' | 'prototype'>): string | undefined {
  return cache ?? classConfig(member).cache;
}

/** What the class of a prototype says itself. */
export function ownConfig(prototype: object): CacheConfigOptions {
  return (Reflect.getOwnMetadata(CONFIG, prototype) ?? {}) as CacheConfigOptions;
}

export function setWidth(width: Width, target: object, name: string | undefined): void {
  if (name === undefined) Reflect.defineMetadata(WIDTH, width, (target as Constructor).prototype as object);
  else Reflect.defineMetadata(WIDTH, width, target, name);
}

/**
 * The width of a method: what is said of the method, else of the classes, and in either case by the nearest class of the
 * chain that says something. An override that says nothing keeps what was said of the method it overrides: nothing
 * becomes wider by being left out.
 */
export function declaredWidth(member: Member, decorator: string): Width | undefined {
  const line = lineOf(member);
  const declaring = line.indexOf(member.prototype);
  for (const [at, level] of line.entries()) {
    const said = Reflect.getOwnMetadata(WIDTH, level, member.name) as Width | undefined;
    const byOption = at < declaring ? undefined : scopeOption(level, member.name, decorator);
    if ((byOption ?? said) !== undefined) return byOption ?? said;
  }
  for (const level of line) {
    const said = (Reflect.getOwnMetadata(WIDTH, level) as Width | undefined) ?? ownConfig(level).scope;
    if (said !== undefined) return said;
  }
  return undefined;
}

function scopeOption(level: object, name: string, decorator: string): Width | undefined {
  return ownDecorations(level).findLast(
    ({ site, decorator: it, scope }) => site.name === name && it === decorator && scope !== undefined,
  )?.scope;
}

/**
 * The prototypes whose decorators count for a member, nearest first: those of its object, and where its method was copied
 * there from another class, those of that class too.
 */
function lineOf({ type, prototype }: Pick<Member, 'type' | 'prototype'>): readonly object[] {
  const line = levelsOf(type.prototype as object);
  return line.includes(prototype) ? line : [...line, ...levelsOf(prototype)];
}

/** A prototype and those it inherits from, without what all objects inherit from. */
export function levelsOf(prototype: object): object[] {
  const levels: object[] = [];
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    if (level !== Object.prototype) levels.push(level);
  }
  return levels;
}

export function addDecoration(decoration: Decoration): void {
  const { prototype } = decoration.site;
  Reflect.defineMetadata(DECORATIONS, [...ownDecorations(prototype), decoration], prototype);
}

export function ownDecorations(prototype: object): readonly Decoration[] {
  return (Reflect.getOwnMetadata(DECORATIONS, prototype) ?? []) as readonly Decoration[];
}

/** All decorators on methods of a class and of those it inherits from. */
export function decorationsOf(type: Constructor): readonly Decoration[] {
  return levelsOf(type.prototype as object).flatMap(ownDecorations);
}

/**
 * Every `@Cacheable` of a method as the objects of a member have it, those of bases first. An override that is cached
 * is made from what its base has cached.
 */
export function cacheablesOf(member: Pick<Member, 'type' | 'prototype'>, name: string): readonly Decoration[] {
  return lineOf(member)
    .toReversed()
    .flatMap(ownDecorations)
    .filter(({ site, cacheable }) => site.name === name && cacheable !== undefined);
}

/** What the compiler noted as the return type, where it did. Of a getter that is simply its type. */
export function declaredReturnType({ prototype, name }: MethodSite): unknown {
  return (
    Reflect.getMetadata('design:returntype', prototype, name) ?? Reflect.getMetadata('design:type', prototype, name)
  );
}

/** How many parameters the compiler noted, where it did; a rest parameter is one of them. */
export function declaredParameters(site: MethodSite): number | undefined {
  return declaredTypes(site)?.length;
}

/** What the compiler noted as the types of the parameters, where it did. */
export function declaredTypes({ prototype, name }: MethodSite): readonly unknown[] | undefined {
  const types = Reflect.getMetadata('design:paramtypes', prototype, name) as unknown;
  return Array.isArray(types) ? types : undefined;
}

/**
 * Why the answers of a route handler are not what it returns: it is handed the response, with or without `passthrough`,
 * or sends events. Read from what Nest's own decorators leave, under the names they use since version 4.
 */
export function answersByHand({ type, name }: Member): 'response' | 'events' | undefined {
  const handler = methodOf(type.prototype as object, name);
  if (handler === undefined || !Reflect.hasMetadata('path', handler)) return undefined;
  if (Reflect.getMetadata('__sse__', handler) === true) return 'events';
  // `1:` is the response, `2:` is next().
  return Object.keys(parametersOf(type, name)).some((param) => /^[12]:/.test(param)) ? 'response' : undefined;
}

/** What a parameter decorator of Nest leaves. */
export interface HandedParameter {
  readonly index: number;
  /** The member that is meant, of what is handed over. */
  readonly data?: unknown;
  readonly pipes?: readonly unknown[] | undefined;
}

/** What parameter decorators of Nest leave, by the kind of what they hand over and the position of the parameter. */
export function parametersOf(type: Constructor, name: string): Readonly<Record<string, HandedParameter>> {
  return (Reflect.getMetadata('__routeArguments__', type, name) ?? {}) as Readonly<Record<string, HandedParameter>>;
}

/** The function under a name, found without running a getter. */
export function methodOf(prototype: object, name: string): object | undefined {
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
