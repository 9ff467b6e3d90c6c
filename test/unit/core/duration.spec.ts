import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clampDuration, looksLikeSeconds, MAX_DURATION_MS, parseDuration } from '../../../lib/core/duration.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import { runs } from '../../support/soak.js';

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

describe('a duration', () => {
  it.each<readonly [unknown, number]>([
    [1, 1],
    [1_500, 1_500],
    ['1ms', 1],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['1.005s', 1_005],
    ['0.001s', 1],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['3650d', MAX_DURATION_MS],
    [MAX_DURATION_MS, MAX_DURATION_MS],
  ])('%p is %p milliseconds', (duration, ms) => {
    expect(parseDuration(duration, 'ttl')).toBe(ms);
  });

  it.each([
    '10',
    '',
    ' 5m',
    '5m ',
    '5 m',
    '5M',
    '5min',
    'm',
    '-5m',
    '+5m',
    '5m30s',
    '1e3s',
    'Infinitys',
    '0x5s',
    '.5s',
    '5.s',
    '٥s',
    '1_000ms',
    '5ms\n',
    `${'9'.repeat(400)}s`,
  ])('the text %p is none', (text) => {
    expect(() => parseDuration(text, 'ttl')).toThrow(CacheConfigError);
  });

  it.each([undefined, null, true, {}, [], ['5m'], 5n, new Date(5), () => 5])('%p is none', (value) => {
    expect(() => parseDuration(value, 'defaults.ttl')).toThrow(
      /^defaults\.ttl: must be a number of milliseconds or a text like/,
    );
  });
});

describe('B28: times that make no sense', () => {
  it.each<readonly [unknown, string]>([
    [0, 'zero or a fraction of a millisecond'],
    [-0, 'zero or a fraction of a millisecond'],
    [0.5, 'zero or a fraction of a millisecond'],
    ['0s', 'zero or a fraction of a millisecond'],
    ['0.0009s', 'zero or a fraction of a millisecond'],
    [-1, 'a negative number'],
    [-Infinity, 'a negative number'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [2 ** 53, 'more than that'],
    [1e21, 'more than that'],
    ['3651d', 'more than that'],
  ])('%p is refused: %s', (duration, reason) => {
    expect(() => parseDuration(duration, 'ttl')).toThrow(
      `ttl: must be between 1 ms and ten years ('3650d'), not ${reason}; for no expiry write null`,
    );
  });

  it('whatever number it is, it becomes a whole number of milliseconds within bounds, or an error that names the option', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer(), fc.double({ min: 0, max: 1e12 })), (duration) => {
        try {
          const ms = parseDuration(duration, 'ttl');
          return Number.isInteger(ms) && ms >= 1 && ms <= MAX_DURATION_MS && ms <= duration && duration < ms + 1;
        } catch (error) {
          return (
            error instanceof CacheConfigError &&
            error.option === 'ttl' &&
            !(duration >= 1 && duration <= MAX_DURATION_MS)
          );
        }
      }),
      runs(20_000),
    );
  });

  it('a number with a unit is that many milliseconds, seconds, minutes, hours or days', () => {
    fc.assert(
      fc.property(
        fc.nat(3_000),
        fc.nat(999),
        fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])),
        (whole, thousandths, unit) => {
          const ms = Math.floor((whole * 1_000 + thousandths) * (units[unit] / 1_000) + 1e-6);
          const text = `${whole}.${String(thousandths).padStart(3, '0')}${unit}`;
          if (ms >= 1) return parseDuration(text, 'ttl') === ms;
          expect(() => parseDuration(text, 'ttl')).toThrow(CacheConfigError);
          return true;
        },
      ),
      runs(5_000),
    );
  });

  it('any text is a duration within bounds or refused', () => {
    const chars = fc.constantFrom(...'0123456789.-+ e'.split(''), 'ms', 's', 'm', 'h', 'd');
    fc.assert(
      fc.property(fc.string({ unit: chars, maxLength: 6 }), (text) => {
        const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
        const ms = Number(number) * (units[unit as keyof typeof units] ?? NaN);
        try {
          return Math.abs(parseDuration(text, 'ttl') - ms) < 1;
        } catch (error) {
          return error instanceof CacheConfigError && !(ms >= 1 && ms <= MAX_DURATION_MS);
        }
      }),
      runs(5_000),
    );
  });

  it('the number itself is not repeated: it may have been computed from a result', () => {
    for (const secret of [-4_111_111, 4_111_111e12, '4111111e5s'])
      expect(() => parseDuration(secret, 'ttl')).not.toThrow(/4[_]?111/);
  });
});

describe('a duration that arrives during a call', () => {
  it('is shortened when it is too long', () => {
    expect(clampDuration('1h', 'ttl', 60_000)).toBe(60_000);
    expect(clampDuration(1e21, 'ttl')).toBe(MAX_DURATION_MS);
    expect(clampDuration('99999d', 'ttl')).toBe(MAX_DURATION_MS);
    expect(clampDuration('30s', 'ttl', 60_000)).toBe(30_000);
    expect(clampDuration(1.9, 'ttl')).toBe(1);
  });

  it.each([0, -1, NaN, Infinity, -Infinity, 0.5, '10', null, undefined, {}])('is refused when it is %p', (duration) => {
    expect(() => clampDuration(duration, 'ttl')).toThrow(CacheConfigError);
  });
});

it('bare numbers below a thousand, and those that are no whole seconds, look like seconds', () => {
  expect([1, 60, 999, 999.5, 1_800, 3_600, 7_200, 86_400].every(looksLikeSeconds)).toBe(true);
  expect([1_000, 60_000, '60s', '1ms', null].some(looksLikeSeconds)).toBe(false);
});
