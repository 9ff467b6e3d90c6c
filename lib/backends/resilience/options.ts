import type { FillOutcome, Lease } from '../../core/backend.js';
import { parseDuration, type Duration } from '../../core/duration.js';
import type { Awaitable } from '../../core/async/awaitable.js';
import type { Draft } from '../../core/entry.js';
import { CacheConfigError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import { wholeNumber } from '../../core/limits.js';
import { ownOptions } from '../../core/own-options.js';
import type { DueMs, Load } from '../shared/due.js';

/**
 * What backends behind a network have in common: how long calls wait for a server, and what is repeated when it is
 * back.
 */
export interface GuardOptions {
  /** How long a call to the backend may take before the cache does without it, 1 ms to ten years. @default '250ms' */
  readonly timeout?: Duration | undefined;
  /**
   * The same for listings, counts, clears, removals by pattern, and calls that name more than 200 entries; no shorter
   * than `timeout`, up to ten years (`'3650d'`). What a caller gets when it is too short stands in the guide on
   * invalidation: on Redis a clear answers after half of it, with what it counted by then; other removals are
   * unconfirmed. @default '30s'
   */
  readonly longTimeout?: Duration | undefined;
  /** Failures in a row after which calls no longer go to the backend, 1 to 1,000. @default 5 */
  readonly failures?: number | undefined;
  /** How long until one call probes it again, 1 ms to ten years; grows while it stays away. @default '500ms' */
  readonly pause?: Duration | undefined;
  /**
   * How long an invalidation is retried before its caller gets an error (the outcome is unknown), 1 ms to ten years.
   * @default '1s'
   */
  readonly invalidationTimeout?: Duration | undefined;
  /**
   * Unconfirmed invalidations that are queued to be resent, 1 to 1,000,000, each name of an eviction counted; beyond it
   * the tenant that has most of them is cleared in their stead, or everything where none has many. The journal is as
   * large. @default 10000
   */
  readonly maxRetries?: number | undefined;
  /**
   * How long confirmed invalidations are kept, to be replayed to a server that took another's place; 1 ms to ten years.
   * @default '60s'
   */
  readonly journal?: Duration | undefined;
}

export const GUARD_OPTIONS = Object.freeze([
  'timeout',
  'longTimeout',
  'failures',
  'pause',
  'invalidationTimeout',
  'maxRetries',
  'journal',
] as const);

/** Keys or entries beyond which one call has the deadline of a long one. */
export const MANY = 200;
/** What a backend may offer beyond the contract: to skip what has not been sent when it is due. */
export interface Punctual {
  fill(lease: Lease, draft: Draft, load?: Load): Awaitable<FillOutcome>;
  write(key: Key, draft: Draft, dueMs?: DueMs): Awaitable<void>;
  writeMany(entries: readonly (readonly [Key, Draft])[], dueMs?: DueMs): Awaitable<void>;
  expire(key: Key, freshForMs: number, keptForMs: number, load?: Load): Awaitable<boolean>;
  increment(key: Key, by: number, draft: Omit<Draft, 'value'>, dueMs?: DueMs): Awaitable<number>;
}

export interface GuardSettings {
  readonly timeoutMs: number;
  readonly longTimeoutMs: number;
  readonly failures: number;
  readonly pauseMs: number;
  readonly invalidationMs: number;
  readonly maxRetries: number;
  readonly journalMs: number;
}

/** Applies defaults and validates. @throws CacheConfigError naming the option */
export function resolveGuardOptions(options: GuardOptions, where: string): GuardSettings {
  const own = ownOptions(options, where);
  const duration = (
    name: 'timeout' | 'longTimeout' | 'pause' | 'invalidationTimeout' | 'journal',
    fallbackMs: number,
  ): number => {
    const value = own[name];
    return value === undefined ? fallbackMs : parseDuration(value, `${where}.${name}`);
  };
  const settings = {
    timeoutMs: duration('timeout', 250),
    longTimeoutMs: duration('longTimeout', 30_000),
    failures: wholeNumber(own.failures, `${where}.failures`, 5, 1, 1_000),
    pauseMs: duration('pause', 500),
    invalidationMs: duration('invalidationTimeout', 1_000),
    maxRetries: wholeNumber(own.maxRetries, `${where}.maxRetries`, 10_000, 1, 1_000_000),
    journalMs: duration('journal', 60_000),
  };
  if (settings.longTimeoutMs < settings.timeoutMs)
    throw new CacheConfigError(`${where}.longTimeout`, 'must not be shorter than `timeout`');
  return Object.freeze(settings);
}
