import { describe, expect, it } from '@jest/globals';
import { MAX_DURATION_MS } from '../../../lib/core/duration.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import { resolveLimits, wholeNumber, type LimitOptions } from '../../../lib/core/limits.js';
import {
  DEFAULT_POLICY,
  graceMs,
  POLICY_OPTION_NAMES,
  resolvePolicy,
  ttlForResult,
  type Policy,
  type PolicyOptions,
} from '../../../lib/core/policy.js';

const resolve = (options: unknown, base: Policy = DEFAULT_POLICY): Policy =>
  resolvePolicy(base, options as PolicyOptions, 'defaults');

describe('a policy is laid out of layers', () => {
  it('without options it is the layer below, the very same', () => {
    expect(resolve(undefined)).toBe(DEFAULT_POLICY);
    expect(resolve({})).toEqual(DEFAULT_POLICY);
    expect(resolve(Object.fromEntries(POLICY_OPTION_NAMES.map((name) => [name, undefined])))).toEqual(DEFAULT_POLICY);
  });

  it('what a layer says counts, and what it does not say comes from below', () => {
    const defaults = resolve({ ttl: '10m', staleIfError: '1h', jitter: 0.1, isolate: 'freeze' });
    const namespace = resolve({ ttl: '5m', staleWhileRevalidate: '30s' }, defaults);
    const call = resolve({ ttl: 1_000, negativeTtl: '5s', failSilently: false, earlyRefresh: true }, namespace);
    expect(call).toEqual({
      ttlMs: 1_000,
      ttlOf: undefined,
      staleWhileRevalidateMs: 30_000,
      staleIfErrorMs: 3_600_000,
      softTimeoutMs: Infinity,
      hardTimeoutMs: Infinity,
      jitter: 0.1,
      earlyRefresh: 1,
      negativeTtlMs: 5_000,
      isolation: 'freeze',
      level: 'l1',
      failSilently: false,
      answersEarly: false,
    });
  });

  it('is frozen, and does not follow the options it was made from', () => {
    const options = { ttl: 5_000 };
    const policy = resolve(options);
    options.ttl = 6_000;
    expect(policy.ttlMs).toBe(5_000);
    expect(Object.isFrozen(policy)).toBe(true);
    expect(Object.isFrozen(DEFAULT_POLICY)).toBe(true);
  });

  it('null is a ttl without end, and switches off what a layer below switched on', () => {
    const below = resolve({ staleWhileRevalidate: '1m', staleIfError: '1h', softTimeout: 100, hardTimeout: 200 });
    const above = resolve(
      { ttl: null, staleWhileRevalidate: null, staleIfError: null, softTimeout: null, hardTimeout: null },
      below,
    );
    expect(above).toEqual({ ...DEFAULT_POLICY, ttlMs: Infinity });
  });

  it('a ttl and a function of the result replace each other', () => {
    const byResult = resolve({ ttl: () => '1s' });
    expect(byResult.ttlOf).toBeInstanceOf(Function);
    expect(byResult.ttlMs).toBe(DEFAULT_POLICY.ttlMs);
    expect(resolve({ ttl: '2s' }, byResult)).toMatchObject({ ttlMs: 2_000, ttlOf: undefined });
    expect(resolve({ ttl: null }, byResult)).toMatchObject({ ttlMs: Infinity, ttlOf: undefined });
    expect(resolve({ jitter: 0 }, byResult).ttlOf).toBe(byResult.ttlOf);
  });

  it('keeps an entry for the longer of the two windows after its ttl', () => {
    expect(graceMs(DEFAULT_POLICY)).toBe(0);
    expect(graceMs(resolve({ staleWhileRevalidate: '10s', staleIfError: '1m' }))).toBe(60_000);
    expect(graceMs(resolve({ staleWhileRevalidate: '10s' }))).toBe(10_000);
  });

  it('early refresh is off, 1 or as strong as said', () => {
    expect([true, false, 0, 2.5, 10].map((earlyRefresh) => resolve({ earlyRefresh }).earlyRefresh)).toEqual([
      1, 0, 0, 2.5, 10,
    ]);
  });
});

describe('nonsense is refused by the name of its option', () => {
  const durations = [0, -1, NaN, Infinity, 1e21, '10', '', '5 m', true, {}, [], Symbol('a')];
  const nonsense: Readonly<Record<(typeof POLICY_OPTION_NAMES)[number], readonly unknown[]>> = {
    ttl: durations,
    staleWhileRevalidate: [...durations, () => '1s'],
    staleIfError: [...durations, () => '1s'],
    softTimeout: durations,
    hardTimeout: durations,
    maxLoad: [...durations, null],
    maxWait: [...durations, null],
    jitter: [-0.1, 0.51, NaN, Infinity, '0.1', true, null, {}],
    earlyRefresh: [-1, 10.1, NaN, Infinity, 'true', null, {}],
    negativeTtl: [...durations, null],
    isolate: ['Clone', 'deep', '', true, null, 0],
    level: ['l3', 'L1', '', 1, true, null, {}],
    failSilently: ['true', 1, 0, null, {}],
    answerEarly: ['true', 1, 0, null, {}],
  };

  it.each(POLICY_OPTION_NAMES)('%s', (name) => {
    for (const value of nonsense[name]) {
      let error: unknown;
      try {
        resolvePolicy(DEFAULT_POLICY, { [name]: value }, 'namespaces.cats');
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(CacheConfigError);
      expect((error as CacheConfigError).option).toBe(`namespaces.cats.${name}`);
    }
  });

  it.each([null, '5m', 5, true, [], () => '5m'])('%p instead of options', (options) => {
    expect(() => resolve(options)).toThrow('defaults: must be an object of options');
  });

  it('is named without a place when there is none', () => {
    expect(() => resolvePolicy(DEFAULT_POLICY, { ttl: 0 }, '')).toThrow(/^ttl: /);
  });
});

describe('a bare number below a thousand', () => {
  const warned = (options: PolicyOptions): string[] => {
    const warnings: string[] = [];
    resolvePolicy(DEFAULT_POLICY, options, '@Cacheable Cats.findOne', (option, problem) =>
      warnings.push(`${option} ${problem}`),
    );
    return warnings;
  };

  it('is taken as milliseconds, with a warning', () => {
    expect(warned({ ttl: 60 })).toEqual([
      "@Cacheable Cats.findOne.ttl is 60 milliseconds; if seconds were meant, write '60s' (or '60ms' to keep it)",
    ]);
    expect(warned({ staleWhileRevalidate: 5, staleIfError: 5, negativeTtl: 5 })).toHaveLength(3);
  });

  it('is what timeouts are like, and with a unit it is meant', () => {
    expect(warned({ softTimeout: 50, hardTimeout: 500, ttl: '60ms', staleIfError: 1_000 })).toEqual([]);
  });
});

describe('the ttl of a result', () => {
  const ms = (ttl: unknown): number => Number(ttl);

  it('is that of the policy', () => {
    expect(ttlForResult(resolve({ ttl: '5s' }), 'cat', [], ms)).toBe(5_000);
    expect(ttlForResult(resolve({ ttl: null }), 'cat', [], ms)).toBe(Infinity);
  });

  it('is the negative one for null, and only for null', () => {
    const policy = resolve({ ttl: () => 7_000, negativeTtl: '1s' });
    expect(ttlForResult(policy, null, [], ms)).toBe(1_000);
    for (const result of [0, '', false, NaN]) expect(ttlForResult(policy, result, [], ms)).toBe(7_000);
  });

  it('may depend on the result and the arguments', () => {
    const policy = resolve({ ttl: (result: number, factor: number) => (result === 0 ? null : result * factor) });
    expect(ttlForResult(policy, 5, [100], ms)).toBe(500);
    expect(ttlForResult(policy, 0, [100], ms)).toBe(Infinity);
    expect(ttlForResult(policy, 1e20, [100], ms)).toBe(MAX_DURATION_MS);
  });
});

describe('limits', () => {
  it('have defaults', () => {
    expect(resolveLimits()).toEqual({
      maxValueBytes: 1_048_576,
      maxTtlMs: MAX_DURATION_MS,
      maxFlights: 10_000,
      maxOutageLoads: 100,
      maxRefreshes: 100,
      leaseMs: 10_000,
      maxLoadMs: 120_000,
      maxWaitMs: undefined,
      closeTimeoutMs: 2_000,
    });
    expect(Object.isFrozen(resolveLimits())).toBe(true);
  });

  it('are what was said', () => {
    const options = {
      maxValueBytes: 1,
      maxTtl: '1d',
      maxFlights: 2,
      maxOutageLoads: 3,
      maxRefreshes: 0,
      lease: 500,
      maxLoad: '1s',
      maxWait: '2s',
      closeTimeout: '3s',
    } as const;
    expect(resolveLimits(options)).toEqual({
      maxValueBytes: 1,
      maxTtlMs: 86_400_000,
      maxFlights: 2,
      maxOutageLoads: 3,
      maxRefreshes: 0,
      leaseMs: 500,
      maxLoadMs: 1_000,
      maxWaitMs: 2_000,
      closeTimeoutMs: 3_000,
    });
  });

  const counts = [0, -1, 1.5, NaN, Infinity, 2 ** 53, '1', null, true, {}];
  it.each<readonly [keyof LimitOptions, readonly unknown[]]>([
    ['maxValueBytes', counts],
    ['maxFlights', counts],
    ['maxOutageLoads', counts],
    ['maxRefreshes', counts.slice(1)],
    ['maxTtl', [0, -1, NaN, Infinity, '10', null]],
    ['lease', [0, -1, NaN, Infinity, '10', null]],
    ['maxLoad', [0, -1, NaN, Infinity, '10', null]],
    ['maxWait', [0, -1, NaN, Infinity, '10', null]],
  ])('%s refuses nonsense by its name', (name, values) => {
    for (const value of values)
      expect(() => resolveLimits({ [name]: value })).toThrow(new RegExp(`^limits\\.${name}: `));
  });

  it.each([null, 5, 'a', []])('%p instead of limits is refused', (options) => {
    expect(() => resolveLimits(options as LimitOptions)).toThrow('limits: must be an object of options');
  });

  it('a whole number is inside its bounds, or the default', () => {
    expect(wholeNumber(undefined, 'n', 5, 1, 9)).toBe(5);
    expect(wholeNumber(9, 'n', 5, 1, 9)).toBe(9);
    expect(() => wholeNumber(10, 'n', 5, 1, 9)).toThrow('n: must be a whole number from 1 to 9');
  });
});
