import type { KeyObject } from 'node:crypto';
import type { CoreSettings } from '../assemble.js';
import type { ScopeResolver } from '../context/scope-resolver.js';
import type { BackendFactory } from '../core/backend.js';
import type { LimitOptions } from '../core/limits.js';
import type { Observer } from '../core/observer.js';
import type { PolicyOptions } from '../core/policy.js';
import type { Width } from '../core/keys/scope.js';

/** How calls find their scope. */
export interface ScopeOptions {
  /**
   * Reads tenant and user from each request: `fromRequest(…)`, `fromClaims(…)`, `fromHeader(…)`, `fromSubdomain({ base })`,
   * `firstOf(…)`, or a function of yours. Without it only `runInScope` and explicit scopes have a tenant.
   * @default that of the other caches of the application, unless `scope.default` is said
   */
  readonly resolve?: ScopeResolver | undefined;
  /**
   * The width of calls that say none. `'global'` has to be said as soon as any cache of the application resolves scopes.
   * @default 'tenant' once this or another cache has a resolver, otherwise 'global'
   */
  readonly default?: Width | undefined;
  /**
   * What a read does when the scope it needs is missing: `throw` a ScopeMissingError, or `bypass` the cache (run the
   * loader, store nothing). Never a wider scope. Calls that remove something always throw.
   * @default 'throw'
   */
  readonly onMissing?: 'throw' | 'bypass' | undefined;
}

/** How keys are written where they are stored. */
export interface KeyOptions {
  /**
   * Turns every stored name into an HMAC: nothing readable is stored, and patterns and listings are not available. At
   * least 16 bytes.
   * @default none: names are readable
   */
  readonly hashSecret?: string | Buffer | KeyObject | undefined;
  /**
   * Longest key text kept readable, in characters, 16 to 4,096; longer ones are stored as their length and digest.
   * @default 128
   */
  readonly maxReadable?: number | undefined;
}

/** Options of `CacheModule.forRoot` and of the factory of `forRootAsync`. All are optional. */
export interface CacheModuleOptions {
  /** Where entries live. @default memory() */
  readonly backend?: BackendFactory | undefined;
  /**
   * Sets this cache apart from others on the same server: 1 to 32 of `A-Z a-z 0-9 _ -`. Caches of one application must
   * not have the same; applications, and staging and production, that share a server must not either.
   * @default 'cache', and for a cache with a name 'cache-' and that name
   */
  readonly prefix?: string | undefined;
  /**
   * What this application is called, for a server that others may use too. It leaves a mark under its prefix; where it
   * finds that of another application, or of another environment, a warning names both, once. A list says which
   * applications belong together and share their entries: two do when one names the other, or both name a third. Names
   * of at most 214 visible ASCII characters, 16 of them at most. Nothing is left where entries stay in the process.
   * @default the `name` in the package.json nearest to the main script
   * @example CacheModule.forRoot({ app: ['api', 'worker'] });
   */
  readonly app?: string | readonly string[] | undefined;
  /**
   * Where the application runs: `'production'`, `'staging'`. Different ones must not share entries; see `app`. At most 64
   * printable ASCII characters.
   * @default the environment variable NODE_ENV
   */
  readonly environment?: string | undefined;
  /**
   * false: a kill switch. Every call runs its loader or method, whatever its key, scope and options; nothing is read,
   * stored or connected to, and what removes answers that there was nothing. What is written wrong in options and
   * decorators stops the start all the same.
   * @default true
   */
  readonly enabled?: boolean | undefined;
  /** The policy of every namespace that says nothing else. @default { ttl: '1h' } */
  readonly defaults?: PolicyOptions | undefined;
  /** Policies by namespace, laid over the defaults. Decorators and calls are laid over these. @default {} */
  readonly namespaces?: Readonly<Record<string, PolicyOptions>> | undefined;
  /** Who is asking, and what calls do that do not know it. @default see {@link ScopeOptions} */
  readonly scope?: ScopeOptions | undefined;
  /** How names are written where they are stored. @default see {@link KeyOptions} */
  readonly keys?: KeyOptions | undefined;
  /**
   * How values are written where they leave the process: classes, format, compression, encryption.
   * @default see {@link CodecOptions}
   */
  readonly codec?: CoreSettings['codec'] | undefined;
  /** Bounds on what the cache may hold or do at once. @default see {@link LimitOptions} */
  readonly limits?: LimitOptions | undefined;
  /** Told about everything that happens; see {@link Observer}. @default [] */
  readonly observers?: readonly Observer[] | undefined;
  /** A log line for every call. The environment variable `CACHE_DEBUG=1` does the same. @default false */
  readonly debug?: boolean | undefined;
}

/** For `forRootAsync({ useClass | useExisting })`. */
export interface CacheOptionsFactory {
  /** Asked once, when the application starts. */
  createCacheOptions(): CacheModuleOptions | Promise<CacheModuleOptions>;
}
