import type { Duration } from '../../core/duration.js';
import type { PolicyOptions } from '../../core/policy.js';
import type { ScopeIds, Width } from '../../core/scope.js';
import type { CacheKey } from '../scoped-cache.types.js';

/** A method that answers later: what can be cached without changing what its callers see. */
export type AsyncMethod = (...args: never[]) => PromiseLike<unknown> | ObservableLike;

/** An rxjs Observable, without naming rxjs in everybody's types. */
export interface ObservableLike {
  subscribe(...args: never[]): unknown;
  pipe(...args: never[]): unknown;
}

/** Options shared by all method decorators. */
export interface CommonOptions<Args extends readonly unknown[]> {
  /** The family of keys. @default `ClassName.method`, or that of `@CacheConfig` */
  readonly namespace?: string | undefined;
  /** Who shares the entry. @default that of `@CacheScope`, else `scope.default` of the module */
  readonly scope?: Width | undefined;
  /** Says for whom, instead of the surroundings: `(order) => ({ tenant: order.tenantId })`. */
  readonly context?: ((...args: Args) => ScopeIds) | undefined;
  /** Before the call: false leaves the cache out of it. */
  readonly condition?: ((...args: Args) => boolean) | undefined;
}

/** Options of `@Cacheable` and `@CachePut`. */
export interface CacheableOptions<Args extends readonly unknown[] = never[]>
  extends CommonOptions<Args>, Omit<PolicyOptions, 'ttl'> {
  /** How long a result is fresh; `null`: no expiry; or a function of the result and the arguments. */
  readonly ttl?: Duration | null | ((result: never, ...args: Args) => Duration | null) | undefined;
  /** The key inside the namespace. @default made of the arguments, types and all */
  readonly key?: CacheKey | ((...args: Args) => CacheKey) | undefined;
  /** Arguments left out of the automatic key, by position or by parameter name. */
  readonly ignoreArgs?: readonly (number | string)[] | undefined;
  /** Names under which results can be invalidated together. */
  readonly tags?: readonly string[] | ((...args: Args) => readonly string[]) | undefined;
  /** Tags that are only known with the result. */
  readonly resultTags?: ((result: never, ...args: Args) => readonly string[]) | undefined;
  /** After the call: true returns the result without storing it. */
  readonly unless?: ((result: never, ...args: Args) => boolean) | undefined;
  /** Part of every key: raise it when the shape of the results changes. */
  readonly version?: string | number | undefined;
  /** A log line for every call of this namespace. @default false */
  readonly verbose?: boolean | undefined;
}

/** Options of `@CacheEvict`: what goes, when, for whom. */
export interface CacheEvictOptions<
  Args extends readonly unknown[] = never[],
  Method extends string = string,
  MethodArgs extends readonly unknown[] = readonly unknown[],
> extends CommonOptions<Args> {
  /** One entry of `namespace`. */
  readonly key?: CacheKey | ((...args: Args) => CacheKey) | undefined;
  /** Several entries of `namespace`. */
  readonly keys?: readonly CacheKey[] | ((...args: Args) => readonly CacheKey[]) | undefined;
  /** The entries of `namespace` whose key matches. */
  readonly pattern?: string | ((...args: Args) => string) | undefined;
  /** Everything in this scope that carries one of the tags. */
  readonly tags?: readonly string[] | ((...args: Args) => readonly string[]) | undefined;
  /** Everything of `namespace` (or of `method`) in this scope. */
  readonly allEntries?: boolean | undefined;
  /** A `@Cacheable` method of the same class: evicts its entry for `args`, or all of them with `allEntries`. */
  readonly method?: Method | undefined;
  /** The arguments of `method` whose entry goes. @default the arguments of the evicting method */
  readonly args?: ((...args: Args) => MethodArgs) | undefined;
  /** Evict before the method runs, whatever becomes of it. @default false: after it succeeded */
  readonly before?: boolean | undefined;
  /** true: an eviction that cannot be confirmed is only reported. @default false: it is thrown */
  readonly failSilently?: boolean | undefined;
}

/** What a class says for all its methods. */
export interface CacheConfigOptions extends PolicyOptions {
  /** A namespace for all methods; automatic keys then start with the name of the method. */
  readonly namespace?: string | undefined;
  readonly scope?: Width | undefined;
}
