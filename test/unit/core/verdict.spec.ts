import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Entry } from '../../../lib/core/entry.js';
import { DEFAULT_POLICY, graceMs, resolvePolicy, type Policy } from '../../../lib/core/policy.js';
import { survives, type RequiredStamp } from '../../../lib/core/stamp.js';
import { judge, type Verdict } from '../../../lib/core/verdict.js';
import { keyFactoryOf, partKey } from './support/key-factories.js';
import { runs } from '../../support/soak.js';

const keyFactory = keyFactoryOf();
const KEY = partKey(keyFactory, 1);
const OTHER_KEY = partKey(keyFactory, 2);
const BORN = 100;

function entryOf(freshUntilMs: number, keptUntilMs: number): Entry {
  return {
    identity: KEY.id,
    generation: 'life',
    stamp: BORN,
    labels: [],
    freshUntilMs,
    keptUntilMs,
    sizeBytes: 1,
    level: 'l1',
    value: 'cat',
    isOf: (key) => key.id === KEY.id,
  };
}

const swr = resolvePolicy(DEFAULT_POLICY, { staleWhileRevalidate: '10s', staleIfError: '1m' }, '');
const STANDING: RequiredStamp = { generation: 'life', stamp: BORN };

describe('the verdict on an entry', () => {
  // Fresh until 1000, stale until 11000, grace until 61000, kept until then.
  const table: readonly (readonly [string, number, Verdict])[] = [
    ['long before the end of its ttl', 0, 'fresh'],
    ['just before the end of its ttl', 999.9, 'fresh'],
    ['at the end of its ttl', 1_000, 'stale'],
    ['just before the end of the stale window', 10_999.9, 'stale'],
    ['at the end of the stale window', 11_000, 'grace'],
    ['just before the end of the grace window', 60_999.9, 'grace'],
    ['at the end of all', 61_000, 'gone'],
    ['long after', 1e12, 'gone'],
  ];

  it.each(table)('%s', (_, nowMs, verdict) => {
    expect(judge(entryOf(1_000, 61_000), STANDING, KEY, nowMs, swr)).toBe(verdict);
  });

  it.each(table)('%s: gone when it was invalidated, born in another life, or somebody else’s', (_, nowMs) => {
    const entry = entryOf(1_000, 61_000);
    expect(judge(entry, { generation: 'life', stamp: BORN + 1 }, KEY, nowMs, swr)).toBe('gone');
    expect(judge(entry, { generation: 'another life', stamp: BORN }, KEY, nowMs, swr)).toBe('gone');
    expect(judge(entry, { generation: '', stamp: 0 }, KEY, nowMs, swr)).toBe('gone');
    expect(judge(entry, STANDING, OTHER_KEY, nowMs, swr)).toBe('gone');
  });

  it('an entry without windows goes from fresh to gone', () => {
    expect(judge(entryOf(1_000, 61_000), STANDING, KEY, 999, DEFAULT_POLICY)).toBe('fresh');
    expect(judge(entryOf(1_000, 61_000), STANDING, KEY, 1_000, DEFAULT_POLICY)).toBe('gone');
  });

  it('an entry is not served longer than it was to be kept, whatever the reader’s policy says', () => {
    expect(judge(entryOf(1_000, 2_000), STANDING, KEY, 1_999, swr)).toBe('stale');
    expect(judge(entryOf(1_000, 2_000), STANDING, KEY, 2_000, swr)).toBe('gone');
  });

  it('an entry without an end stays fresh', () => {
    expect(judge(entryOf(Infinity, Infinity), STANDING, KEY, Number.MAX_VALUE, swr)).toBe('fresh');
    expect(judge(entryOf(Infinity, Infinity), STANDING, KEY, 1e12, policyOf(10), { loadMs: 60_000, draw: 1e-9 })).toBe(
      'fresh',
    );
  });

  it('is one of five, and never better for an older entry, a later moment or a higher required stamp', () => {
    const order: readonly Verdict[] = ['fresh', 'stale', 'grace', 'gone'];
    const rank = (verdict: Verdict): number => order.indexOf(verdict);
    const times = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(
        times,
        times,
        times,
        times,
        fc.integer({ min: -2, max: 2 }),
        times,
        times,
        (fresh, grace, now, later, required, stale, error) => {
          const policy: Policy = { ...DEFAULT_POLICY, staleWhileRevalidateMs: stale, staleIfErrorMs: error };
          const entry = entryOf(fresh, fresh + grace);
          const at = (nowMs: number, stamp: number): number =>
            rank(judge(entry, { generation: 'life', stamp }, KEY, nowMs, policy));
          const here = at(now, BORN + required);
          if (here === -1 || at(now + later, BORN + required) < here || at(now, BORN + required + 1) < here)
            return false;
          if (required > 0 || now >= fresh + Math.min(grace, graceMs(policy))) return here === rank('gone');
          return here === rank(now < fresh ? 'fresh' : now < fresh + stale ? 'stale' : 'grace');
        },
      ),
      runs(10_000),
    );
  });
});

describe('an early refresh', () => {
  const chance = (nowMs: number, loadMs: number, beta: number): number => {
    const draws = Array.from({ length: 1_000 }, (_, index) => (index + 1) / 1_000);
    const drawn = draws.filter(
      (draw) => judge(entryOf(1_000, 1_000), STANDING, KEY, nowMs, policyOf(beta), { loadMs, draw }) === 'aging',
    );
    return drawn.length / draws.length;
  };

  it('becomes more likely as the end comes nearer, the load dearer and the wish stronger', () => {
    expect(chance(0, 1, 1)).toBe(0);
    expect(chance(950, 10, 1)).toBeLessThan(chance(990, 10, 1));
    expect(chance(950, 10, 1)).toBeLessThan(chance(950, 50, 1));
    expect(chance(950, 10, 1)).toBeLessThan(chance(950, 10, 5));
    // e^(-distance / cost): 10 ms before the end of a load of 10 ms.
    expect(chance(990, 10, 1)).toBeCloseTo(Math.exp(-1), 2);
  });

  it('is never drawn when the load costs nothing, and answers all the same', () => {
    expect(chance(999, 0, 10)).toBe(0);
    expect(judge(entryOf(1_000, 1_000), STANDING, KEY, 999, policyOf(10), { loadMs: 1e6, draw: 0.5 })).toBe('aging');
  });

  it('does not revive what is stale, gone or somebody else’s', () => {
    const early = { loadMs: 1e6, draw: 1e-9 };
    expect(judge(entryOf(1_000, 61_000), STANDING, KEY, 1_000, swr, early)).toBe('stale');
    expect(judge(entryOf(1_000, 1_000), { generation: 'life', stamp: BORN + 1 }, KEY, 0, policyOf(1), early)).toBe(
      'gone',
    );
    expect(judge(entryOf(1_000, 1_000), STANDING, OTHER_KEY, 0, policyOf(1), early)).toBe('gone');
  });
});

it('an entry survives what happened before it was born, in its own life only', () => {
  expect(survives({ generation: 'life', stamp: 5 }, { generation: 'life', stamp: 4 })).toBe(true);
  expect(survives({ generation: 'life', stamp: 5 }, { generation: 'life', stamp: 5 })).toBe(true);
  expect(survives({ generation: 'life', stamp: 5 }, { generation: 'life', stamp: 6 })).toBe(false);
  expect(survives({ generation: 'life', stamp: 5 }, { generation: 'other', stamp: 4 })).toBe(false);
  expect(survives({ generation: 'life', stamp: NaN }, { generation: 'life', stamp: 4 })).toBe(false);
});

function policyOf(earlyRefresh: number): Policy {
  return resolvePolicy(DEFAULT_POLICY, { earlyRefresh }, '');
}
