import 'reflect-metadata';
import { Inject, Injectable, type NestInterceptor, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { Foundation } from '../../assemble.js';
import type { CacheContext } from '../../context/cache-context.js';
import { CacheScopeInterceptor } from './cache-scope.interceptor.js';
import { CACHE_FOUNDATION } from '../cache.tokens.js';
import { ChainLink, boundInterceptor } from './bound-interceptors.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';

/** The name under which Nest keeps the interceptors of a class or method. */
const INTERCEPTORS = '__interceptors__';

/** What marks a method that answers messages of a microservice. */
const MESSAGES = 'microservices:pattern';

/** What Nest makes an interceptor of for each request, as far as it matters here. */
type Wrapper = ReturnType<ApplicationConfig['getGlobalRequestInterceptors']>[number];

/**
 * Sees to it that a request goes on as itself behind every interceptor, in every transport. One that lets requests wait
 * (a bulkhead, a lock, a pool with callbacks) goes on inside of the one that leaves, and what comes after would act for
 * that one. Interceptors of the whole application are kept where Nest asks for them, however and whenever they were
 * registered; between those that a class or a method names stands a link. Done before Nest makes the first handler: the
 * gateways, and all of a microservice, are made before any hook is called.
 */
@Injectable()
export class ScopePropagation implements OnModuleInit {
  static {
    hideFromLogs(this.prototype, 'ScopePropagation');
  }

  private readonly context: CacheContext;
  private readonly bound = new WeakMap<object, object>();
  /** Where links of this cache stand: lists of interceptors, by the class or method they belong to. */
  private readonly links = new Map<object, ChainLink>();
  private readonly seen = new WeakSet();

  constructor(
    @Inject(CACHE_FOUNDATION) { context }: Foundation,
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    this.context = context;
    this.bindGlobals(config);
    this.stand();
  }

  /** Objects that factories have made are there now; handlers of GraphQL are not. */
  onModuleInit(): void {
    this.stand();
  }

  /** The application has ended: no request comes any more. */
  close(): void {
    for (const [owner, link] of this.links) {
      if (link.delete(this.context)) continue;
      const named = withoutLinks(interceptorsOf(owner));
      if (named.length > 0) setInterceptors(owner, named);
      else Reflect.deleteMetadata(INTERCEPTORS, owner);
    }
    this.links.clear();
  }

  private bindGlobals(config: ApplicationConfig): void {
    const { applications } = this.context.flow;
    // Another cache of the application has seen to it.
    if (applications.has(config)) return;
    applications.add(config);
    const globals = config.getGlobalInterceptors.bind(config);
    const scoped = config.getGlobalRequestInterceptors.bind(config);
    config.getGlobalInterceptors = () => globals().map((interceptor) => this.boundOf(interceptor));
    config.getGlobalRequestInterceptors = () => scoped().map((wrapper) => this.boundWrapperOf(wrapper));
  }

  private boundOf<I extends NestInterceptor>(interceptor: I): I {
    if (typeof interceptor?.intercept !== 'function' || isOurs(interceptor)) return interceptor;
    return this.remembered(interceptor, () => boundInterceptor(interceptor, this.context) as I);
  }

  private boundWrapperOf(wrapper: Wrapper): Wrapper {
    return this.remembered(wrapper, () => {
      const getInstanceByContextId: Wrapper['getInstanceByContextId'] = (...ids) => {
        const host = wrapper.getInstanceByContextId(...ids);
        return host && { ...host, instance: this.boundOf(host.instance) };
      };
      return Object.create(wrapper, { getInstanceByContextId: { value: getInstanceByContextId } }) as Wrapper;
    });
  }

  private remembered<T extends object>(original: T, make: () => T): T {
    const known = this.bound.get(original) as T | undefined;
    if (known !== undefined) return known;
    const made = make();
    this.bound.set(original, made);
    return made;
  }

  private stand(): void {
    for (const { controllers, providers } of this.modules.values())
      for (const { metatype, instance } of [...controllers.values(), ...providers.values()]) {
        this.standAtClass(metatype);
        if (typeof instance === 'object' && instance !== null) this.standAtClass((instance as object).constructor);
      }
  }

  private standAtClass(type: unknown): void {
    if (typeof type !== 'function' || this.seen.has(type)) return;
    this.seen.add(type);
    this.standAt(type);
    const prototype: unknown = type.prototype;
    if (typeof prototype !== 'object' || prototype === null) return;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype)))
      if (name !== 'constructor' && typeof value === 'function') this.standAt(value as object);
    // Methods and interceptors are inherited.
    this.standAtClass(Object.getPrototypeOf(type));
  }

  private standAt(owner: object): void {
    const named = interceptorsOf(owner);
    // Microservices may have global interceptors of their own, which cannot be seen: a link stands behind them.
    const isMessage = Reflect.hasOwnMetadata(MESSAGES, owner);
    if (!isMessage && named.every((interceptor) => isOurs(interceptor))) return;
    const link = named.find((interceptor) => interceptor instanceof ChainLink) ?? new ChainLink();
    link.add(this.context);
    this.links.set(owner, link);
    setInterceptors(owner, linked(withoutLinks(named), link));
  }
}

/** A link before the first of the application, and one after each. */
function linked(named: readonly unknown[], link: ChainLink): unknown[] {
  const list: unknown[] = [];
  if (named.every((interceptor) => isOurs(interceptor))) list.push(link);
  for (const interceptor of named) {
    if (!isOurs(interceptor) && list.at(-1) !== link) list.push(link);
    list.push(interceptor);
    if (!isOurs(interceptor)) list.push(link);
  }
  return list;
}

/** Those of this and other caches make no request wait. */
function isOurs(interceptor: unknown): boolean {
  if (interceptor === CacheScopeInterceptor) return true;
  return (
    typeof interceptor === 'object' &&
    interceptor !== null &&
    Object.getPrototypeOf(interceptor) === CacheScopeInterceptor.prototype
  );
}

function withoutLinks(named: readonly unknown[]): unknown[] {
  return named.filter((interceptor) => !(interceptor instanceof ChainLink));
}

function interceptorsOf(owner: object): readonly unknown[] {
  const named: unknown = Reflect.getOwnMetadata(INTERCEPTORS, owner);
  return Array.isArray(named) ? named : [];
}

function setInterceptors(owner: object, named: readonly unknown[]): void {
  Reflect.defineMetadata(INTERCEPTORS, named, owner);
}
