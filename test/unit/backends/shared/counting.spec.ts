/** Counting what is removed: never too much, and a scan that fails takes nothing from the others. */
import { describe, expect, it } from '@jest/globals';
import { countWithin } from '../../../../lib/backends/shared/counting.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';

const items = Array.from({ length: 40 }, (_, item) => item);

describe('countWithin', () => {
  it('goes on with the others when scans fail, more of them than run in parallel, and counts what they counted', async () => {
    const ended: number[] = [];
    const counted = await countWithin(1_000, new FakeClock(), items, async function* (item) {
      yield 1;
      if (item < 20) throw new Error('the server is gone');
      yield 1;
      ended.push(item);
    });
    expect(ended.toSorted((a, b) => a - b)).toEqual(items.slice(20));
    expect(counted).toBe(60);
  });

  it('answers in time with what was counted by then; the scans go on', async () => {
    const clock = new FakeClock();
    const walked: number[] = [];
    const counting = countWithin(100, clock, items, async function* (item) {
      yield 1;
      await clock.sleep(80);
      walked.push(item);
      yield 1;
    });
    await clock.advance(100);
    expect(await counting).toBe(24);
    await clock.advance(400);
    expect(walked).toHaveLength(40);
  });
});
