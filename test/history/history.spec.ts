import { describe, expect, it } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { CacheError } from '../../lib/core/errors.js';
import { chaos } from '../../lib/testing/chaos.js';
import { shared } from '../support/machine/backends.js';
import { History } from './support/history.js';
import { machines, summary } from './support/machines.js';
import { play } from './support/play.js';
import { NaiveSubject, type Subject } from './support/subject.js';
import { soaking } from '../support/soak.js';

const SEEDS = [1, 2, 3] as const;
const DURATION_MS = soaking(20_000, 400);

/** A history that is shorter proves little. */
const ENOUGH = { reads: 500, invalidations: 200 } as const;

/** Everything here runs unchanged over other backends: give `machines` one factory for each process. */
const SETTINGS: readonly (readonly [name: string, subjects: (seed: number) => Subject[]])[] = [
  ['one machine', () => machines([memory()])],
  ['one machine whose memory is far too small', () => machines([memory({ maxEntries: 5 })])],
  ['one machine whose backend answers late', (seed) => machines([chaos(memory(), { turns: 3, seed })])],
  [
    'two machines on one backend',
    (seed) => {
      const backend = shared(chaos(memory(), { turns: 3, seed }));
      return machines([backend, backend]);
    },
  ],
  [
    'one machine whose backend fails now and then, before or after the work was done',
    (seed) => machines([chaos(memory(), { turns: 2, seed, throwRate: 0.03, dropRate: 0.02 })]),
  ],
];

describe.each(SETTINGS)(
  '%s: no read that began after an invalidation had settled returns what was before it',
  (_, make) => {
    it.each([...SEEDS])(
      'seed %i',
      async (seed) => {
        const played = await play({
          subjects: make(seed),
          seed,
          callers: 24,
          durationMs: DURATION_MS,
          atLeast: ENOUGH,
          isExpected: (error) => error instanceof CacheError,
        });
        expect(summary(played, seed)).toMatchObject({ seed, stale: 0, first: undefined });
        expect(played.history.reads.length).toBeGreaterThan(ENOUGH.reads);
        expect(played.history.invalidations.length).toBeGreaterThan(ENOUGH.invalidations);
        expect(played.history.reads.length).toBeGreaterThan(played.loads);
      },
      60_000,
    );
  },
);

describe('the checker itself', () => {
  it('catches the way it is usually done', async () => {
    const naive = new NaiveSubject();
    const played = await play({ subjects: [naive], seed: 1, callers: 24, durationMs: 600 });
    const violations = played.history.violations();
    expect(violations.length).toBeGreaterThan(10);
    expect(new Set(violations.map(({ missed }) => missed.how)).size).toBeGreaterThan(3);
  }, 30_000);

  it('calls a read stale only when it began after the invalidation had settled, and returned less', () => {
    const judge = (beganAt: number, version: number): number => {
      const history = new History();
      history.invalidations.push(
        { key: 'a', settledAt: 10, version: 2, how: 'evict' },
        { key: 'a', settledAt: 20, version: 1, how: 'late, of an earlier version' },
        { key: 'b', settledAt: 5, version: 9, how: 'of another key' },
      );
      history.reads.push({ key: 'a', beganAt, version, how: 'get' });
      return history.violations().length;
    };
    expect(judge(9, 0)).toBe(0);
    expect(judge(11, 1)).toBe(1);
    expect(judge(11, 2)).toBe(0);
    expect(judge(30, 1)).toBe(1);
    expect(judge(30, 3)).toBe(0);
  });
});
