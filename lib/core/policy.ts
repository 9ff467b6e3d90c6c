import { looksLikeSeconds, MAX_DURATION_MS, parseDuration, secondsWarning, type Duration } from './duration.js';
import type { Level } from './entry.js';
import type { Isolation } from './values/isolation.js';
import { CacheConfigError } from './errors.js';
import { checkOptions, optionAt, unknownOption } from './own-options.js';
import { answered, isAsync } from './async/thenable.js';

/** How long results live and what happens around the end of that life. */
export interface PolicyOptions {
  /**
   * How long a result is fresh, 1 ms to ten years; `null`: until it is invalidated or displaced (a server keeps it for
   * a year). Or a function of the result (and, on a decorator, of the arguments) that says so for each result.
   * @default '1h'
   */
  readonly ttl?: Duration | null | ((result: never, ...args: never[]) => Duration | null) | undefined;
  /** After the ttl: answer at once with the old value and reload in the background, for so long (1 ms to ten years); `null`: not. @default off */
  readonly staleWhileRevalidate?: Duration | null | undefined;
  /** After the ttl: when the loader fails, answer with the old value, for so long (1 ms to ten years); `null`: not. @default off */
  readonly staleIfError?: Duration | null | undefined;
  /** When the loader takes longer and an old value is still kept: answer with that; the load goes on. 1 ms to ten years; `null`: wait. @default off */
  readonly softTimeout?: Duration | null | undefined;
  /** When the loader takes longer: abort its signal and fail with `CACHE_LOADER_TIMEOUT` (or the old value). 1 ms to ten years; `null`: wait. @default off */
  readonly hardTimeout?: Duration | null | undefined;
  /**
   * A loader that runs longer loses its lease: its result is returned, not stored, and callers no longer wait for it.
   * 1 ms to ten years.
   * @default `limits.maxLoad` ('2m')
   */
  readonly maxLoad?: Duration | undefined;
  /**
   * How long a caller waits for a load of another process before it loads without the cache, together with other callers
   * of its process that came before that load began. 1 ms to ten years.
   * @default `limits.maxWait`, else as long as the other process goes on loading, up to `maxLoad`; inside another loader '10s'
   */
  readonly maxWait?: Duration | undefined;
  /** Shortens each ttl at random by up to this share, so that entries stored together do not expire together. 0 to 0.5. @default 0 */
  readonly jitter?: number | undefined;
  /** Reload hot entries shortly before they expire, chosen at random by the cost of a load. `true` is 1; larger is earlier, up to 10. @default false */
  readonly earlyRefresh?: boolean | number | undefined;
  /** The ttl of results that are `null`, 1 ms to ten years. @default the ttl */
  readonly negativeTtl?: Duration | undefined;
  /** How stored values are kept apart from the values callers hold. @default that of the backend ('clone') */
  readonly isolate?: Isolation | undefined;
  /**
   * The nearest level that may keep a result, where there are two (`tiered()`): `l1` is this process, `l2` the server that
   * all share. With `l2` every read asks the server: for what must not be a moment out of date. @default 'l1'
   */
  readonly level?: Level | undefined;
  /**
   * Whether failures of the cache itself stay hidden: of reads (they answer from the loader, or that nothing is there), of
   * what stores, and of `@CachePut`. `false` throws them. An event tells in either case.
   * @default true for reads, false for `set`, `setMany`, `increment`, `expire` and `@CachePut`
   */
  readonly failSilently?: boolean | undefined;
  /**
   * Whether callers of a load get its value as soon as it has been copied or serialized, while it is on its way to the
   * server: a round trip sooner. `false`: once it is stored, or known not to be. In this process every call about the entry
   * sees it or waits for it in either case, and closing waits for it; another process may look before it is there. A process
   * that is killed or frozen right after the answer has not stored it, and others wait for its lease, up to `limits.lease`:
   * leave it off where a platform stops processes between requests. Memory has stored it in either case.
   * @default false
   */
  readonly answerEarly?: boolean | undefined;
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
  /** Undefined: `limits.maxLoad`. */
  readonly maxLoadMs: number | undefined;
  /** Undefined: `limits.maxWait`. */
  readonly maxWaitMs: number | undefined;
  readonly jitter: number;
  /** 0: off. */
  readonly earlyRefresh: number;
  readonly negativeTtlMs: number | undefined;
  readonly isolation: Isolation | undefined;
  readonly level: Level;
  /** Undefined: neither the call nor the configuration says it; each verb has its own default. */
  readonly failSilently: boolean | undefined;
  readonly answersEarly: boolean;
}

export const DEFAULT_POLICY: Policy = Object.freeze({
  ttlMs: 3_600_000,
  ttlOf: undefined,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  softTimeoutMs: Infinity,
  hardTimeoutMs: Infinity,
  maxLoadMs: undefined,
  maxWaitMs: undefined,
  jitter: 0,
  earlyRefresh: 0,
  negativeTtlMs: undefined,
  isolation: undefined,
  level: 'l1',
  failSilently: undefined,
  answersEarly: false,
});

/** Names of {@link PolicyOptions}, for telling them from the other options of a decorator. */
export const POLICY_OPTION_NAMES = Object.freeze([
  'ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'softTimeout',
  'hardTimeout',
  'maxLoad',
  'maxWait',
  'jitter',
  'earlyRefresh',
  'negativeTtl',
  'isolate',
  'level',
  'failSilently',
  'answerEarly',
] as const);

/** Told about options that are allowed but look like a mistake. */
export type Warn = (option: string, problem: string) => void;

/**
 * Lays options over a policy. Only own properties count, so nothing polluted into `Object.prototype` becomes an option.
 * It happens during calls, too: what it costs goes by the options that were given, not by those that there are.
 * @param where names the options in errors: `defaults`, `namespaces.cats`, `@Cacheable CatsService.findOne`; empty for
 * those of a single call
 * @param beside options of the same object that are no part of a policy
 * @throws CacheConfigError naming the option, also one that is none
 */
export function resolvePolicy(
  base: Policy,
  options: PolicyOptions | undefined,
  where: string,
  warn?: Warn,
  beside: readonly string[] = [],
): Policy {
  if (options === undefined) return base;
  checkOptions(options, where);
  const policy = draftOf(base);
  const read = new OptionReader(where, warn);
  for (const name of Object.keys(options)) {
    if (isPolicyOption(name)) overlay(policy, name, options[name], read);
    else if (!beside.includes(name)) throw unknownOption(name, where, [...POLICY_OPTION_NAMES, ...beside]);
  }
  return Object.freeze(policy);
}

/** The longest window after the ttl in which the entry is still of use. */
export function graceMs(policy: Policy): number {
  return Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs);
}

type OptionName = (typeof POLICY_OPTION_NAMES)[number];
type Draft = { -readonly [Name in keyof Policy]: Policy[Name] };

function isPolicyOption(name: string): name is OptionName {
  return (POLICY_OPTION_NAMES as readonly string[]).includes(name);
}

/** Name by name: spreading takes several times as long, and calls with options do it on every hit. */
function draftOf(policy: Policy): Draft {
  return {
    ttlMs: policy.ttlMs,
    ttlOf: policy.ttlOf,
    staleWhileRevalidateMs: policy.staleWhileRevalidateMs,
    staleIfErrorMs: policy.staleIfErrorMs,
    softTimeoutMs: policy.softTimeoutMs,
    hardTimeoutMs: policy.hardTimeoutMs,
    maxLoadMs: policy.maxLoadMs,
    maxWaitMs: policy.maxWaitMs,
    jitter: policy.jitter,
    earlyRefresh: policy.earlyRefresh,
    negativeTtlMs: policy.negativeTtlMs,
    isolation: policy.isolation,
    level: policy.level,
    failSilently: policy.failSilently,
    answersEarly: policy.answersEarly,
  };
}

/** Lays one option over a policy. `null` switches off what an outer layer switched on. */
function overlay(policy: Draft, name: OptionName, value: unknown, read: OptionReader): void {
  if (value === undefined) return;
  switch (name) {
    case 'ttl':
      policy.ttlOf = read.rule(name, value);
      if (policy.ttlOf === undefined) policy.ttlMs = read.durationOr(name, value, Infinity);
      break;
    case 'staleWhileRevalidate':
      policy.staleWhileRevalidateMs = read.durationOr(name, value, 0);
      break;
    case 'staleIfError':
      policy.staleIfErrorMs = read.durationOr(name, value, 0);
      break;
    case 'softTimeout':
      policy.softTimeoutMs = read.durationOr(name, value, Infinity);
      break;
    case 'hardTimeout':
      policy.hardTimeoutMs = read.durationOr(name, value, Infinity);
      break;
    case 'maxLoad':
      policy.maxLoadMs = read.duration(name, value);
      break;
    case 'maxWait':
      policy.maxWaitMs = read.duration(name, value);
      break;
    case 'jitter':
      policy.jitter = read.share(name, value, 0.5);
      break;
    case 'earlyRefresh':
      policy.earlyRefresh = typeof value === 'boolean' ? Number(value) : read.share(name, value, 10);
      break;
    case 'negativeTtl':
      policy.negativeTtlMs = read.duration(name, value);
      break;
    case 'isolate':
      policy.isolation = read.oneOf(name, value, ['clone', 'freeze', 'none'], "'clone', 'freeze' or 'none'");
      break;
    case 'level':
      policy.level = read.oneOf(name, value, ['l1', 'l2'], "'l1' or 'l2'");
      break;
    case 'failSilently':
      policy.failSilently = read.oneOf(name, value, [true, false], 'true or false');
      break;
    case 'answerEarly':
      policy.answersEarly = read.oneOf(name, value, [true, false], 'true or false');
  }
}

class OptionReader {
  constructor(
    private readonly where: string,
    private readonly warn: Warn | undefined,
  ) {}

  duration(name: OptionName, value: unknown): number {
    const option = optionAt(this.where, name);
    const ms = parseDuration(value, option);
    // Waits and timeouts of a few hundred milliseconds are what those are for.
    if (this.warn !== undefined && looksLikeSeconds(value) && !/Timeout|Wait/.test(name)) {
      this.warn(option, secondsWarning(ms));
    }
    return ms;
  }

  /** A function that answers at once; undefined for whatever is none. */
  rule(name: OptionName, value: unknown): Policy['ttlOf'] {
    if (isAsync(value))
      throw new CacheConfigError(optionAt(this.where, name), 'must not be async: it has to answer at once');
    if (typeof value !== 'function') return undefined;
    const { warn } = this;
    const rule = value as NonNullable<Policy['ttlOf']>;
    const option = optionAt(this.where, name);
    return warn === undefined ? rule : (result, ...args) => watched(rule(result, ...args), option, warn);
  }

  durationOr(name: OptionName, value: unknown, off: number): number {
    return value === null ? off : this.duration(name, value);
  }

  share(name: OptionName, value: unknown, max: number): number {
    if (typeof value === 'number' && value >= 0 && value <= max) return value;
    throw new CacheConfigError(optionAt(this.where, name), `must be a number from 0 to ${max}`);
  }

  oneOf<T>(name: OptionName, value: unknown, choices: readonly T[], inWords: string): T {
    if (choices.includes(value as T)) return value as T;
    throw new CacheConfigError(optionAt(this.where, name), `must be ${inWords}`);
  }
}

/** Told of a ttl that a function of the application answers: in the milliseconds of every store it would never be found. */
function watched<T>(ttl: T, option: string, warn: Warn): T {
  if (looksLikeSeconds(ttl)) warn(option, secondsWarning(undefined));
  return ttl;
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
  const ttl = answered(policy.ttlOf(result, ...args), 'ttl');
  return ttl === null ? Infinity : Math.min(resolve(ttl), MAX_DURATION_MS);
}
