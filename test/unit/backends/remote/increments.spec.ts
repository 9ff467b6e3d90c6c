import { describe, expect, it } from '@jest/globals';
import { Increments } from '../../../../lib/backends/remote/increments.js';
import { NotACounterError } from '../../../../lib/core/errors.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { Deferred, errorOf, Rig } from '../../../support/machine/rig.js';

const LIFE = { labels: [], freshForMs: 1_000, keptForMs: 1_000, isolation: undefined, level: 'l1' } as const;

/** A server that answers when it is told to. */
function begin() {
  const clock = new FakeClock();
  const sent: { by: number; answer: Deferred<number> }[] = [];
  const increments = new Increments(
    'test',
    clock,
    { timeoutMs: 60_000, longTimeoutMs: 60_000 },
    {
      increment: (_key, by) => {
        const answer = new Deferred<number>();
        sent.push({ by, answer });
        return answer.promise;
      },
    },
  );
  const key = new Rig().key('calls');
  const add = (by: number, dueMs = Infinity): Promise<number> => increments.add(key, by, LIFE, () => dueMs);
  return { clock, add, sent, sums: () => sent.map(({ by }) => by) };
}

describe('increments of one key', () => {
  it('A82: that come while one is on its way leave as one sum, and get the totals of their turn', async () => {
    const { clock, add, sent, sums } = begin();
    const first = add(1);
    const others = [add(2), add(3), add(4)];
    expect(sums()).toEqual([1]);
    sent[0]?.answer.resolve(11);
    expect(await first).toBe(11);
    await clock.settle();
    expect(sums()).toEqual([1, 9]);
    // Another process has added ten meanwhile.
    sent[1]?.answer.resolve(30);
    expect(await Promise.all(others)).toEqual([23, 26, 30]);
    const next = add(5);
    await clock.settle();
    sent[2]?.answer.resolve(35);
    expect([await next, sums()]).toEqual([35, [1, 9, 5]]);
  });

  it('A82: of two directions travel apart, and so does what is no exact number', async () => {
    const { clock, add, sent, sums } = begin();
    const all = [add(1), add(2), add(-2), add(-1), add(Number.MAX_SAFE_INTEGER), add(1), add(1.5)];
    for (let at = 0; at < 5; at++) {
      sent[at]?.answer.resolve(sent[at]?.by ?? NaN);
      await clock.settle();
    }
    expect(sums()).toEqual([1, 2, -3, Number.MAX_SAFE_INTEGER, 1, 1.5]);
    sent[5]?.answer.resolve(1.5);
    expect(await Promise.all(all)).toEqual([1, 2, -2, -3, Number.MAX_SAFE_INTEGER, 1, 1.5]);
  });

  it('A82: a sum that would be no exact number goes in its parts, of which some may', async () => {
    const { clock, add, sent, sums } = begin();
    const [first, ...others] = [add(1), add(2), add(3)];
    const outcomes = Promise.allSettled(others);
    sent[0]?.answer.resolve(1);
    await clock.settle();
    sent[1]?.answer.reject(new NotACounterError('calls'));
    await clock.settle();
    sent[2]?.answer.resolve(3);
    await clock.settle();
    sent[3]?.answer.reject(new NotACounterError('calls'));
    expect([await first, sums()]).toEqual([1, [1, 5, 2, 3]]);
    expect(await outcomes).toMatchObject([{ value: 3 }, { reason: { code: 'CACHE_NOT_A_COUNTER' } }]);
  });

  it('A82: is left out when its caller has been told that it failed; the others are not', async () => {
    const { clock, add, sent, sums } = begin();
    const first = add(1);
    const late = errorOf(add(2, clock.monotonicMs() + 100));
    const patient = add(4, clock.monotonicMs() + 1_000);
    await clock.advance(200);
    sent[0]?.answer.resolve(1);
    await clock.settle();
    expect(sums()).toEqual([1, 4]);
    sent[1]?.answer.resolve(5);
    expect(await Promise.all([first, patient])).toEqual([1, 5]);
    expect(String(await late)).toContain('no answer in time');
  });

  it('A82: are not held up for longer than its deadline by one that is never answered', async () => {
    const { clock, add, sent, sums } = begin();
    void add(1, clock.monotonicMs() + 100);
    const waiting = add(2, clock.monotonicMs() + 1_000);
    await clock.advance(200);
    const next = add(4, clock.monotonicMs() + 1_000);
    await clock.settle();
    expect(sums()).toEqual([1, 6]);
    sent[1]?.answer.resolve(7);
    expect(await Promise.all([waiting, next])).toEqual([3, 7]);
    sent[0]?.answer.resolve(1);
    const last = add(8);
    await clock.settle();
    expect(sums()).toEqual([1, 6, 8]);
    sent[2]?.answer.resolve(15);
    expect(await last).toBe(15);
  });

  it('A82: all fail with the one that carried them', async () => {
    const { clock, add, sent } = begin();
    const first = add(1);
    const others = [1, 2].map((by) => errorOf(add(by)));
    sent[0]?.answer.resolve(1);
    await clock.settle();
    sent[1]?.answer.reject(new Error('gone'));
    expect(await first).toBe(1);
    expect((await Promise.all(others)).map(String)).toEqual(['Error: gone', 'Error: gone']);
    const again = add(1);
    sent[2]?.answer.resolve(2);
    expect(await again).toBe(2);
  });
});
