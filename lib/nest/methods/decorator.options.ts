/**
 * The options of the decorators. Their functions get the arguments of the decorated method; annotate their parameters
 * (`(id: string) => …`), and the compiler checks them against the method (see fit.ts).
 */
import type { Duration } from '../../core/duration.js';
import type { PolicyOptions } from '../../core/policy.js';
import type { ScopeIds, Width } from '../../core/keys/scope.js';
import type { CacheKey } from '../cache/scoped-cache.types.js';

/** Options shared by all method decorators. */
export interface CommonOptions {
  /**
   * The cache that this is about, by the `name` it was registered with: its backend, policies and scopes count. One that is
   * not registered stops the start. Of a `@CacheEvict` that says a `method` it is that of the method, and need not be said.
   * @default that of `@CacheConfig`, else the cache without a name
   */
  readonly cache?: string | undefined;
  /**
   * The family of keys: policies, `clear` and patterns work by it.
   * @default that of `@CacheConfig`, else `ClassName.method` with the name of the object's own class
   */
  readonly namespace?: string | undefined;
  /** Which callers share the entry. @default that of `@CacheScope`, else `scope.default` of the module */
  readonly scope?: Width | undefined;
  /**
   * Says the scope, instead of the running call: `(order: Order) => ({ tenant: order.tenantId })`.
   * @default the scope of the running call
   */
  readonly context?: ((...args: never[]) => ScopeIds) | undefined;
  /** Before the call: false leaves the cache out of it. @default always */
  readonly condition?: ((...args: never[]) => boolean) | undefined;
  /** A log line for every call of this namespace, without values and raw keys. @default false */
  readonly verbose?: boolean | undefined;
}

/** Options of `@Cacheable` and `@CachePut`. */
export interface CacheableOptions extends CommonOptions, Omit<PolicyOptions, 'ttl'> {
  /**
   * How long a result is fresh; `null`: no expiry; or a function of the result and the arguments.
   * @default that of `@CacheConfig`, of the namespace, of the module: '1h'
   */
  readonly ttl?: Duration | null | ((result: never, ...args: never[]) => Duration | null) | undefined;
  /** The key inside the namespace. @default made of the arguments, types and all */
  readonly key?: CacheKey | ((...args: never[]) => CacheKey) | undefined;
  /** Arguments left out of the automatic key, by position (from 0) or by parameter name. @default none */
  readonly ignoreArgs?: readonly (number | string)[] | undefined;
  /** Names under which results can be invalidated together; at most 4,096, of at most 256 bytes each. @default none */
  readonly tags?: readonly string[] | ((...args: never[]) => readonly string[]) | undefined;
  /**
   * Tags that are only known with the result. For an Observable the result is the array of what it emitted.
   * @default none
   */
  readonly resultTags?: ((result: never, ...args: never[]) => readonly string[]) | undefined;
  /** After the call: true returns the result without storing it. @default never */
  readonly unless?: ((result: never, ...args: never[]) => boolean) | undefined;
  /**
   * Part of every key: raise it when the shape of the results changes. Other versions, of other releases under way at
   * the same time, keep entries of their own; `@CacheEvict`, patterns and `clear` reach those this application uses.
   * @default none
   */
  readonly version?: string | number | undefined;
}

/** Options of `@CacheEvict`: what goes, when, for which scope. Several of them together all go. */
export interface CacheEvictOptions extends CommonOptions {
  /** One entry of `namespace`, of exactly the width of this method. @default none */
  readonly key?: CacheKey | ((...args: never[]) => CacheKey) | undefined;
  /** Several entries of `namespace`. @default none */
  readonly keys?: readonly CacheKey[] | ((...args: never[]) => readonly CacheKey[]) | undefined;
  /** The entries of `namespace` whose key matches, those of a tenant's users included. @default none */
  readonly pattern?: string | ((...args: never[]) => string) | undefined;
  /** Everything in this scope that carries one of the tags. @default none */
  readonly tags?: readonly string[] | ((...args: never[]) => readonly string[]) | undefined;
  /** Everything of `namespace` (or of the namespace of `method`) in this scope. @default false */
  readonly allEntries?: boolean | undefined;
  /**
   * A `@Cacheable` method of the same class: evicts its entry for `args`, or with `allEntries` its whole namespace.
   * @default none
   */
  readonly method?: string | undefined;
  /**
   * The arguments of `method` whose entry goes.
   * @default the arguments of this method, as many as `method` has parameters
   */
  readonly args?: ((...args: never[]) => readonly [] | readonly unknown[]) | undefined;
  /** Evict before the method runs, whatever becomes of it. @default false: after it succeeded */
  readonly before?: boolean | undefined;
  /** true: an eviction that cannot be confirmed is only reported. @default false: it is thrown */
  readonly failSilently?: boolean | undefined;
  /**
   * Why, in a few words, for the events of it: `'cat renamed'`. Line breaks become spaces, and what is longer than 200
   * characters is cut off. Never part of a key.
   * @default none
   */
  readonly reason?: string | undefined;
}

/** What a class says for all its methods, those it inherits included. */
export interface CacheConfigOptions extends PolicyOptions {
  /**
   * A namespace for all methods; automatic keys then start with the name of the method. It stands for the name of the
   * class: say it where that name does not stay, as in minified bundles and classes of `mixin()`. Automatic keys of a
   * class that inherits it start with the name of that class too.
   * @default `ClassName.method` for each method
   */
  readonly namespace?: string | undefined;
  /**
   * The cache of all its methods, by the `name` it was registered with.
   * @default the cache without a name
   */
  readonly cache?: string | undefined;
  /**
   * Which callers share the entries of its methods.
   * @default that of `@CacheScope`, else `scope.default` of the module
   */
  readonly scope?: Width | undefined;
  /**
   * What objects of the class have to do with each other that are made in several places: the class is provided in two
   * modules, or two factories make one. `'shared'`: they answer alike. A function tells them apart: it gets an object,
   * once, and returns a text of 1 to 128 characters that becomes part of all its keys; objects of one text answer alike.
   * @default undefined: there is one place. A second one stops the start
   */
  readonly instances?: 'shared' | ((instance: never) => string) | undefined;
}
