import { describe, expect, it } from '@jest/globals';
import { heldBytes, type Held, type HeldRun } from '../../../support/children/measure-held.js';

const MIB = 1_048_576;

/** The most telling shapes, small. All of them, large: test/soak/held.spec.ts. */
const RUNS: readonly HeldRun[] = [
  ['tiny entries of many tenants', 3_000],
  ['tiny entries of many users', 3_000],
  ['32 tags of users', 1_000],
  ['long keys', 3_000],
  ['lists of objects', 100],
  ['32 tags of users', 3_000, { maxBytes: 4 * MIB }],
];

describe('the bytes that memory reports', () => {
  it('are what the heap shows because of it, within a quarter, whatever is stored', async () => {
    const offBy = ({ held, accounted }: Held): number => Math.max(held / accounted, accounted / held);
    const results = await heldBytes(RUNS);
    expect(results.filter((result) => offBy(result) > 1.25)).toEqual([]);
    expect(results.at(-1)!.held).toBeLessThan(1.25 * 4 * MIB);
  });
});
