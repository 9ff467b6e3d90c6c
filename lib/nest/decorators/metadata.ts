/** What decorators leave on classes for later. Read when a method is first called, so the order of decorators is free. */
import 'reflect-metadata';
import type { Width } from '../../core/scope.js';
import type { CacheableOptions, CacheConfigOptions } from './decorator.options.js';

const CONFIG = Symbol.for('nestjs-scoped-cache:config');
const WIDTH = Symbol.for('nestjs-scoped-cache:width');
const CACHEABLE = Symbol.for('nestjs-scoped-cache:cacheable');

/** A decorated method, before any application gives it a meaning. */
export interface MethodSite {
  readonly prototype: object;
  readonly name: string;
  /** `CatsService.findOne`: the default namespace, and the name in errors. */
  readonly title: string;
  /** The undecorated method. */
  readonly method: Method;
}

export type Method = (this: unknown, ...args: unknown[]) => unknown;

export function setClassConfig(target: object, options: CacheConfigOptions): void {
  Reflect.defineMetadata(CONFIG, options, target);
}

export function classConfig({ prototype }: MethodSite): CacheConfigOptions | undefined {
  return Reflect.getMetadata(CONFIG, prototype.constructor) as CacheConfigOptions | undefined;
}

export function setWidth(width: Width, target: object, name: string | undefined): void {
  if (name === undefined) Reflect.defineMetadata(WIDTH, width, target);
  else Reflect.defineMetadata(WIDTH, width, target, name);
}

/** The width of a method: its own, else that of its class. */
export function declaredWidth({ prototype, name }: MethodSite): Width | undefined {
  return (Reflect.getMetadata(WIDTH, prototype, name) ?? Reflect.getMetadata(WIDTH, prototype.constructor)) as
    Width | undefined;
}

export function setCacheable(site: MethodSite, options: CacheableOptions): void {
  Reflect.defineMetadata(CACHEABLE, { site, options }, site.prototype, site.name);
}

/** What `@Cacheable` said of a method of the same class or of one it inherits from. */
export function cacheableAt(
  prototype: object,
  name: string,
): { site: MethodSite; options: CacheableOptions } | undefined {
  return Reflect.getMetadata(CACHEABLE, prototype, name) as { site: MethodSite; options: CacheableOptions } | undefined;
}

/** What the compiler noted as the return type, where it did. */
export function declaredReturnType({ prototype, name }: MethodSite): unknown {
  return Reflect.getMetadata('design:returntype', prototype, name);
}

/** Routes, guards, pipes, Swagger: what other decorators said of a method goes along with its wrapper. */
export function carryMetadata(from: object, to: object): void {
  for (const key of Reflect.getOwnMetadataKeys(from) as unknown[])
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, from), to);
}
