import type { Duration } from '../../core/duration.js';
import type { PolicyOptions } from '../../core/policy.js';
import type { Loader, LoaderContext } from '../../engine/loader.js';

/**
 * Names an entry inside its namespace: a text, a number, or a list of parts of any kind a key can hold (texts, numbers,
 * dates, plain objects…). Parts keep their type: `1` and `'1'` are two keys. A single part is a list of one.
 */
export type CacheKey =
  string | number | bigint | boolean | Date | readonly unknown[] | Readonly<Record<string, unknown>>;

/** Options of a single call, laid over the policy of its namespace. `T` is the type of the value that is stored. */
export interface CallOptions<T = never> extends PolicyOptions {
  /**
   * How long the value is fresh; `null`: no expiry (a server keeps it for a year); or a function of the value.
   * @default that of the namespace: '1h'
   */
  readonly ttl?: Duration | null | ((value: T) => Duration | null) | undefined;
  /**
   * Names under which the entry can be invalidated together with others of this scope; at most 4,096, of at most 256
   * bytes each.
   * @default none
   */
  readonly tags?: readonly string[] | undefined;
}

/**
 * What a loader is told where its result is not typed beforehand: the type then comes from what the loader returns, so
 * nothing that it is given may depend on it. Say `getOrSet<Report>(…)` for a `previous` of that type.
 */
export interface UntypedContext extends Omit<LoaderContext, 'notModified'> {
  /**
   * Return this to say that `previous` is still right: it is kept and its ttl starts anew.
   * @throws NothingToRenewError when there is no previous value.
   */
  notModified(): never;
}

/** Of verbs that have no policy of their own. */
export interface FailureOptions {
  /**
   * Whether failures of the cache itself (its server does not answer, or cannot tell) stay hidden. An event tells in
   * either case, and a removal that could not be confirmed stays queued, where backends do that.
   * @default of reads that of the namespace, else true; of what removes and of `keys`, false
   */
  readonly failSilently?: boolean | undefined;
}

/** Of what removes entries. */
export interface RemovalOptions extends FailureOptions {
  /**
   * Why, in a few words, for the events of it: `'price list imported'`. Line breaks become spaces, and what is longer than 200
   * characters is cut off. It reaches observers and the log, so no values, names of tenants or personal data. Never part of a key.
   * @default none
   */
  readonly reason?: string | undefined;
}

/** Of `clearEverything`. */
export interface ClearEverythingOptions extends RemovalOptions {
  /** What it reaches, said in full. */
  readonly confirm: 'all tenants';
  /**
   * A namespace, in all its versions: as it stands at decorators, in `namespace()`, or by default, `ClassName.method`. One that
   * nothing is kept in removes nothing.
   * @default all of them; `undefined` said by name is refused
   */
  readonly namespace?: string;
}

/** Of `invalidateTags`. */
export interface InvalidateTagsOptions extends RemovalOptions {
  /** Which of the tags an entry must carry. @default 'any' */
  readonly match?: 'any' | undefined;
}

export interface GetOptions<D> extends FailureOptions {
  /** Returned instead of undefined when nothing is there. @default undefined */
  readonly default?: D | undefined;
}

export interface IncrementOptions extends FailureOptions {
  /** Set when the counter is created, and not moved by later increments. @default that of the namespace */
  readonly ttl?: Duration | null | undefined;
  /** Names under which the counter can be invalidated; of the call that creates it. @default none */
  readonly tags?: readonly string[] | undefined;
}

/** One entry for `warm`: a value, or a loader that is only run when nothing is there. */
export type WarmEntry = { readonly key: CacheKey; readonly options?: CallOptions | undefined } & (
  | { readonly value: unknown; readonly load?: undefined }
  | { readonly load: Loader<unknown>; readonly value?: undefined }
);

export interface WarmOptions {
  /** The same for all entries whose `options` say nothing else. @default that of the namespace */
  readonly failSilently?: boolean | undefined;
  /** Entries under way at once, 1 to 1,000. @default 10 */
  readonly concurrency?: number | undefined;
  /**
   * Called after each entry with the number done so far. A promise that it returns is waited for, so it may slow the
   * work down; what it throws or fails with ends the call.
   * @default none
   */
  readonly onProgress?: ((done: number) => unknown) | undefined;
}
