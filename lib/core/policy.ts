import { looksLikeSeconds, MAX_DURATION_MS, parseDuration, type Duration } from './duration.js';
import type { Isolation, Level } from './entry.js';
import { CacheConfigError } from './errors.js';
import { ownOptions } from './own-options.js';

/** How long results live and what happens around the end of that life. */
export interface PolicyOptions {
  /**
   * How long a result is fresh; `null`: until it is invalidated or displaced. Or a function of the result (and, on a
   * decorator, of the arguments) that says so for each result.
   * @default '1h'
   */
  readonly ttl?: Duration | null | ((result: never, ...args: never[]) => Duration | null) | undefined;
  /** After the ttl: answer at once with the old value and reload in the background, for so long; `null`: not. @default off */
  readonly staleWhileRevalidate?: Duration | null | undefined;
  /** After the ttl: when the loader fails, answer with the old value, for so long; `null`: not. @default off */
  readonly staleIfError?: Duration | null | undefined;
  /** When the loader takes longer and an old value is still kept: answer with that; the load goes on. `null`: wait. @default off */
  readonly softTimeout?: Duration | null | undefined;
  /** When the loader takes longer: abort its signal and fail with `CACHE_LOADER_TIMEOUT` (or the old value). `null`: wait. @default off */
  readonly hardTimeout?: Duration | null | undefined;
  /** Shortens each ttl at random by up to this share, so that entries stored together do not expire together. 0 to 0.5. @default 0 */
  readonly jitter?: number | undefined;
  /** Reload hot entries shortly before they expire, chosen at random by the cost of a load. `true` is 1; larger is earlier, up to 10. @default false */
  readonly earlyRefresh?: boolean | number | undefined;
  /** The ttl of results that are `null`. @default the ttl */
  readonly negativeTtl?: Duration | undefined;
  /** How stored values are kept apart from the values callers hold. @default that of the backend ('clone') */
  readonly isolate?: Isolation | undefined;
  /**
   * The nearest level that may keep a result, where there are two (`tiered()`): `l1` is this process, `l2` the server that
   * all share. With `l2` every read asks the server: for what must not be a moment out of date. @default 'l1'
   */
  readonly level?: Level | undefined;
  /** When the backend fails during a read: true answers from the loader, false throws {@link BackendError}. @default true */
  readonly failSilently?: boolean | undefined;
}

/** A policy with nothing left to decide: defaults applied, validated, frozen, in milliseconds. */
export interface Policy {
  /** Infinity: no expiry. */
  readonly ttlMs: number;
  readonly ttlOf: ((result: unknown, ...args: unknown[]) => Duration | null) | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** Infinity: off. */
  readonly softTimeoutMs: number;
  /** Infinity: off. */
  readonly hardTimeoutMs: number;
  readonly jitter: number;
  /** 0: off. */
  readonly earlyRefresh: number;
  readonly negativeTtlMs: number | undefined;
  readonly isolation: Isolation | undefined;
  readonly level: Level;
  readonly failSilently: boolean;
}

export const DEFAULT_POLICY: Policy = Object.freeze({
  ttlMs: 3_600_000,
  ttlOf: undefined,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  softTimeoutMs: Infinity,
  hardTimeoutMs: Infinity,
  jitter: 0,
  earlyRefresh: 0,
  negativeTtlMs: undefined,
  isolation: undefined,
  level: 'l1',
  failSilently: true,
});

/** Names of {@link PolicyOptions}, for telling them from the other options of a decorator. */
export const POLICY_OPTION_NAMES = Object.freeze([
  'ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'softTimeout',
  'hardTimeout',
  'jitter',
  'earlyRefresh',
  'negativeTtl',
  'isolate',
  'level',
  'failSilently',
] as const);

/** Told about options that are allowed but look like a mistake. */
export type Warn = (option: string, problem: string) => void;

/**
 * Lays options over a policy. Only own properties count, so nothing polluted into `Object.prototype` becomes an option.
 * @param where names the options in errors: `defaults`, `namespaces.cats`, `@Cacheable CatsService.findOne`.
 * @throws CacheConfigError naming the option.
 */
export function resolvePolicy(base: Policy, options: PolicyOptions | undefined, where: string, warn?: Warn): Policy {
  if (options === undefined) return base;
  const own = ownOptions(options, where);
  const read = new OptionReader(own, where, warn);
  const { ttl } = own;
  const isFunction = typeof ttl === 'function';
  return Object.freeze({
    ttlMs: ttl === undefined || isFunction ? base.ttlMs : ttl === null ? Infinity : read.duration('ttl', base.ttlMs),
    ttlOf: ttl === undefined ? base.ttlOf : isFunction ? (ttl as Policy['ttlOf']) : undefined,
    staleWhileRevalidateMs: read.durationOrOff('staleWhileRevalidate', base.staleWhileRevalidateMs, 0),
    staleIfErrorMs: read.durationOrOff('staleIfError', base.staleIfErrorMs, 0),
    softTimeoutMs: read.durationOrOff('softTimeout', base.softTimeoutMs, Infinity),
    hardTimeoutMs: read.durationOrOff('hardTimeout', base.hardTimeoutMs, Infinity),
    jitter: read.share('jitter', base.jitter, 0.5),
    earlyRefresh: read.beta('earlyRefresh', base.earlyRefresh),
    negativeTtlMs: read.duration('negativeTtl', base.negativeTtlMs),
    isolation: read.oneOf('isolate', base.isolation),
    level: read.level('level', base.level),
    failSilently: read.flag('failSilently', base.failSilently),
  });
}

/** The longest window after the ttl in which the entry is still of use. */
export function graceMs(policy: Policy): number {
  return Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs);
}

type OptionName = (typeof POLICY_OPTION_NAMES)[number];

class OptionReader {
  constructor(
    /** Without a prototype. */
    private readonly options: PolicyOptions,
    private readonly where: string,
    private readonly warn: Warn | undefined,
  ) {}

  duration<T>(name: OptionName, fallback: T): number | T {
    const value = this.options[name];
    if (value === undefined) return fallback;
    const ms = parseDuration(value, this.at(name));
    // Timeouts of a few hundred milliseconds are what timeouts are for.
    if (looksLikeSeconds(value) && !name.endsWith('Timeout')) {
      this.warn?.(
        this.at(name),
        `is ${ms} milliseconds; if seconds were meant, write '${ms}s' (or '${ms}ms' to keep it)`,
      );
    }
    return ms;
  }

  /** `null` switches off what an outer layer switched on. */
  durationOrOff(name: OptionName, fallback: number, off: number): number {
    return this.options[name] === null ? off : this.duration(name, fallback);
  }

  share(name: OptionName, fallback: number, max: number): number {
    const value = this.options[name];
    if (value === undefined) return fallback;
    if (typeof value === 'number' && value >= 0 && value <= max) return value;
    throw new CacheConfigError(this.at(name), `must be a number from 0 to ${max}`);
  }

  beta(name: OptionName, fallback: number): number {
    const value = this.options[name];
    if (typeof value === 'boolean') return value ? 1 : 0;
    return this.share(name, fallback, 10);
  }

  oneOf(name: OptionName, fallback: Isolation | undefined): Isolation | undefined {
    const value = this.options[name];
    if (value === undefined) return fallback;
    if (value === 'clone' || value === 'freeze' || value === 'none') return value;
    throw new CacheConfigError(this.at(name), "must be 'clone', 'freeze' or 'none'");
  }

  level(name: OptionName, fallback: Level): Level {
    const value = this.options[name];
    if (value === undefined) return fallback;
    if (value === 'l1' || value === 'l2') return value;
    throw new CacheConfigError(this.at(name), "must be 'l1' or 'l2'");
  }

  flag(name: OptionName, fallback: boolean): boolean {
    const value = this.options[name];
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    throw new CacheConfigError(this.at(name), 'must be true or false');
  }

  private at(name: string): string {
    return this.where === '' ? name : `${this.where}.${name}`;
  }
}

/** The ttl in force for a result, before jitter. Infinity: no expiry. */
export function ttlForResult(
  policy: Policy,
  result: unknown,
  args: readonly unknown[],
  resolve: (ttl: unknown) => number,
): number {
  if (result === null && policy.negativeTtlMs !== undefined) return policy.negativeTtlMs;
  if (policy.ttlOf === undefined) return policy.ttlMs;
  const ttl = policy.ttlOf(result, ...args);
  return ttl === null ? Infinity : Math.min(resolve(ttl), MAX_DURATION_MS);
}
