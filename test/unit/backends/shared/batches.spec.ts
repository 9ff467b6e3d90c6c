import { expect, it } from '@jest/globals';
import { inTurns } from '../../../../lib/backends/shared/batches.js';

it('work in turns: so many at once, answers in the order of the items', async () => {
  let underWay = 0;
  let most = 0;
  const answers = await inTurns([5, 1, 4, 2, 3], 2, async (item) => {
    most = Math.max(most, ++underWay);
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    underWay--;
    return item * 10;
  });
  expect(answers).toEqual([50, 10, 40, 20, 30]);
  expect(most).toBe(2);
  expect(await inTurns([], 2, async () => 1)).toEqual([]);
});

it('work in turns: after a failure nothing is begun any more', async () => {
  const begun: number[] = [];
  const working = inTurns([1, 2, 3, 4, 5, 6], 2, async (item) => {
    begun.push(item);
    await Promise.resolve();
    if (item === 2) throw new Error('no');
  });
  await expect(working).rejects.toThrow('no');
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  expect(begun.length).toBeLessThan(5);
});
