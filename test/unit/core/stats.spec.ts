import { describe, expect, it } from '@jest/globals';
import { storedId } from '../../../lib/core/keys/key.js';
import { storedLabels } from '../../../lib/core/keys/label.js';
import { statsOf } from '../../../lib/core/stats.js';
import { SpaceStats } from '../../../lib/core/keys/space-stats.js';

const usage = { entries: 3, bytes: 300 };
const info = { kind: 'memory', entries: 25, usedBytes: 900 };
const span = { sinceMs: 5_000, isComplete: true };

describe('the figures of a cache', () => {
  it('are its counters, and what it holds', () => {
    const stats = Object.assign(new SpaceStats(), {
      hits: 6,
      misses: 1,
      coalesced: 1,
      stale: 2,
      sets: 4,
      evictions: 1,
      errors: 5,
    });
    expect(statsOf(stats, { usage, info }, span)).toEqual({
      since: new Date(5_000),
      complete: true,
      hits: 6,
      misses: 1,
      coalesced: 1,
      stale: 2,
      bypasses: 0,
      hitRate: 0.8,
      sets: 4,
      evictions: 1,
      displaced: 0,
      refused: 0,
      errors: 5,
      size: 3,
      memoryUsage: 300,
      utilization: undefined,
    });
  });

  it('have a hit rate of 0 before the first read, and no NaN', () => {
    expect(statsOf(Object.assign(new SpaceStats(), { bypasses: 9 }), { usage, info }, span).hitRate).toBe(0);
  });

  it('are its counters alone while nobody tells what it holds', () => {
    const stats = Object.assign(new SpaceStats(), { hits: 6, errors: 5 });
    const nothing = { size: undefined, memoryUsage: undefined, utilization: undefined };
    expect(statsOf(stats, undefined, span)).toMatchObject({ hits: 6, hitRate: 1, errors: 5, ...nothing });
  });

  it('tell how full the nearer of the bounds is', () => {
    const utilization = (bounds: object): number | undefined =>
      statsOf(new SpaceStats(), { usage, info: { ...info, ...bounds } }, span).utilization;
    expect(utilization({ maxEntries: 100 })).toBe(0.25);
    expect(utilization({ maxBytes: 1_000 })).toBe(0.9);
    expect(utilization({ maxEntries: 100, maxBytes: 1_000 })).toBe(0.9);
    expect(utilization({ maxEntries: 25, maxBytes: 1_000 })).toBe(1);
  });
});

it('ids and labels come back from where they were stored as they went', () => {
  expect(storedId("t.acme/cats/'tom")).toBe("t.acme/cats/'tom");
  expect(storedLabels(['n:cats', 't:red'])).toEqual(['n:cats', 't:red']);
});
