import type { Frame } from '../core/frame.js';
import type { Key } from '../core/keys/key.js';
import type { Policy } from '../core/policy.js';
import type { Loader } from './loader.js';

/** One call of getOrSet on its way through the engine. Settled at the top, read-only below. */
export interface Call<T = unknown> {
  readonly key: Key;
  readonly policy: Policy;
  readonly loader: Loader<T>;
  /**
   * What a decorated method is called on and with, in place of the context that loaders get: a function around it would
   * take a line of each stack trace. The arguments are looked at when the loader begins.
   */
  readonly self?: unknown;
  readonly args?: readonly unknown[] | undefined;
  /**
   * Is shown what the loader returned, in the scope of the key and before it is waited for, unless that is a plain promise
   * or no object: looking at anything else may run code of the application.
   */
  readonly onBegun?: ((made: object) => void) | undefined;
  /** The decorated method, `Cats.list`, where it is one: warnings name it. */
  readonly title?: string | undefined;
  /** What surrounded the caller. Undefined outside of any scope. */
  readonly frame: Frame | undefined;
  /** Decides on what only the result can tell. */
  readonly result?: ResultRules | undefined;
}

/** Rules that look at a result. */
export interface ResultRules {
  /** True: return it, but do not store it. */
  unless?(result: unknown): boolean;
  /** Tags that come with the result. */
  tags?(result: unknown): readonly string[];
  /** The arguments behind the result, for a ttl that is a function of both. */
  readonly args?: readonly unknown[];
}
