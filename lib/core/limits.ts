import { CacheConfigError } from './errors.js';
import { looksLikeSeconds, MAX_DURATION_MS, parseDuration, secondsWarning, type Duration } from './duration.js';
import { ownOptions } from './own-options.js';

/** Bounds on what one cache may hold or do at once. Every one has a safe default. */
export interface LimitOptions {
  /**
   * Largest value that is stored, in bytes, from 1 (estimated in memory). Larger results are returned, not stored. At
   * most 512 MiB; 8 MiB where values leave the process (Redis, MongoDB, two levels), since one that is written or read
   * keeps the calls of others waiting: beyond it the application does not start. @default 1 MiB
   */
  readonly maxValueBytes?: number | undefined;
  /** Longest ttl a call may ask for, 1 ms to ten years; longer ones are shortened to it. @default '3650d' */
  readonly maxTtl?: Duration | undefined;
  /**
   * Loads under way at once in this process, 1 to 1,000,000; further calls run their loader without the cache. A tenant
   * alone may have all of them; where they are used up, each tenant still has its even share, so that together they may
   * have up to four times as many. @default 10000
   */
  readonly maxFlights?: number | undefined;
  /**
   * Loads without a lease under way at once for one tenant, 1 to 1,000,000: while the backend does not answer, and of
   * callers that have waited for `maxWait`. Further ones wait for their turn, at most `maxWait`. @default 100
   */
  readonly maxOutageLoads?: number | undefined;
  /**
   * Background reloads under way at once, 0 to 100,000; further ones are left to the next reader. Shared by tenants as
   * `maxFlights` is.
   * @default 100
   */
  readonly maxRefreshes?: number | undefined;
  /** Life of a lease between renewals. 1 ms to ten years. @default '10s' */
  readonly lease?: Duration | undefined;
  /**
   * A loader that runs longer loses its lease; its result is returned, not stored. `maxLoad` of a namespace, a method or a
   * call goes before it. 1 ms to ten years. @default '2m'
   */
  readonly maxLoad?: Duration | undefined;
  /**
   * How long a caller waits for a load of another process before it loads without the cache, together with other callers
   * of its process that came before that load began. Where an earlier such load is under way, that one begins when it ends,
   * or after `maxWait` again. `maxWait` of a namespace, a method or a call goes before it. 1 ms to ten years.
   * @default as long as that process goes on loading, up to `maxLoad`; where loads wait for each other (inside a loader,
   * and for their turn) '10s'
   */
  readonly maxWait?: Duration | undefined;
  /**
   * How long loads that are under way when the application closes may take until they are stored. Then their leases are
   * given back, so that other processes load at once, and reloads in the background are told to stop by their `signal`;
   * callers still get their values. 1 ms to ten years. @default '2s'
   */
  readonly closeTimeout?: Duration | undefined;
}

export interface Limits {
  readonly maxValueBytes: number;
  readonly maxTtlMs: number;
  readonly maxFlights: number;
  readonly maxOutageLoads: number;
  readonly maxRefreshes: number;
  readonly leaseMs: number;
  readonly maxLoadMs: number;
  /** Undefined: see {@link LimitOptions.maxWait}. */
  readonly maxWaitMs: number | undefined;
  readonly closeTimeoutMs: number;
}

/** How long loads wait for each other where no `maxWait` says it. */
export const DEFAULT_WAIT_MS = 10_000;

const MIB = 1_048_576;

/** Applies defaults and validates. @throws CacheConfigError naming the limit. */
export function resolveLimits(options?: LimitOptions, warn?: (option: string, problem: string) => void): Limits {
  const own = ownOptions(options, 'limits');
  const limits = Object.freeze({
    maxValueBytes: wholeNumber(own.maxValueBytes, 'limits.maxValueBytes', MIB, 1, 512 * MIB),
    maxTtlMs: duration(own.maxTtl, 'limits.maxTtl', MAX_DURATION_MS),
    maxFlights: wholeNumber(own.maxFlights, 'limits.maxFlights', 10_000, 1, 1_000_000),
    maxOutageLoads: wholeNumber(own.maxOutageLoads, 'limits.maxOutageLoads', 100, 1, 1_000_000),
    maxRefreshes: wholeNumber(own.maxRefreshes, 'limits.maxRefreshes', 100, 0, 100_000),
    leaseMs: duration(own.lease, 'limits.lease', 10_000),
    maxLoadMs: duration(own.maxLoad, 'limits.maxLoad', 120_000),
    maxWaitMs: own.maxWait === undefined ? undefined : parseDuration(own.maxWait, 'limits.maxWait'),
    closeTimeoutMs: duration(own.closeTimeout, 'limits.closeTimeout', 2_000),
  });
  // Waits and timeouts of a few hundred milliseconds are what those are for.
  for (const name of ['maxTtl', 'maxLoad', 'lease'] as const) {
    const given = own[name];
    if (looksLikeSeconds(given)) warn?.(`limits.${name}`, secondsWarning(given));
  }
  return limits;
}

/** A whole number inside its bounds, or the default. @throws CacheConfigError naming the option. */
export function wholeNumber(value: unknown, option: string, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new CacheConfigError(option, `must be a whole number from ${min} to ${max}`);
}

function duration(value: Duration | undefined, option: string, fallbackMs: number): number {
  return value === undefined ? fallbackMs : parseDuration(value, option);
}
