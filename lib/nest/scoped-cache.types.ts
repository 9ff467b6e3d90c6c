import type { Duration } from '../core/duration.js';
import type { PolicyOptions } from '../core/policy.js';
import type { Loader } from '../engine/loader.js';

/**
 * Names an entry inside its namespace: a text, a number, or a list of parts of any kind a key can hold (texts, numbers,
 * dates, plain objects…). Parts keep their type: `1` and `'1'` are two keys. A single part is a list of one.
 */
export type CacheKey =
  string | number | bigint | boolean | Date | readonly unknown[] | Readonly<Record<string, unknown>>;

/** Options of a single call, laid over the policy of its namespace. */
export interface CallOptions extends PolicyOptions {
  readonly ttl?: Duration | null | ((result: never) => Duration | null) | undefined;
  /** Names under which the entry can be invalidated together with others of this scope. At most 32. */
  readonly tags?: readonly string[] | undefined;
}

export interface GetOptions<D> {
  /** Returned instead of undefined when nothing is there. */
  readonly default?: D | undefined;
}

export interface IncrementOptions {
  /** Set when the counter is created, and not moved by later increments. @default that of the namespace */
  readonly ttl?: Duration | null | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** One entry for `warm`: a value, or a loader that is only run when nothing is there. */
export type WarmEntry = { readonly key: CacheKey; readonly options?: CallOptions | undefined } & (
  | { readonly value: unknown; readonly load?: undefined }
  | { readonly load: Loader<unknown>; readonly value?: undefined }
);

export interface WarmOptions {
  /** Entries under way at once. @default 10 */
  readonly concurrency?: number | undefined;
  /** Called after each entry with the number done so far. */
  readonly onProgress?: ((done: number) => void) | undefined;
}
