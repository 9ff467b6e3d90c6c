import { describe, expect, it } from '@jest/globals';
import { andThen, isPending } from '../../../lib/core/awaitable.js';
import { systemClock } from '../../../lib/core/clock.js';

describe('the clock of the machine', () => {
  it('A52: has a monotonic time that does not follow the wall', () => {
    const { now } = Date;
    const before = systemClock.monotonicMs();
    try {
      Date.now = () => 0;
      expect(systemClock.nowMs()).toBe(0);
      expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
    } finally {
      Date.now = now;
    }
  });

  it('calls back once, unless cancelled', async () => {
    const calls: string[] = [];
    const cancel = systemClock.after(1, () => calls.push('cancelled'));
    cancel();
    await new Promise<void>((resolve) => {
      systemClock.after(1, () => {
        calls.push('due');
        resolve();
      });
    });
    expect(calls).toEqual(['due']);
  });

  it('waits as long as it can when it is to wait longer than a timer can', () => {
    let isCalled = false;
    const cancel = systemClock.after(Infinity, () => (isCalled = true));
    cancel();
    expect(isCalled).toBe(false);
  });

  it('sleeps, and lets others have their turn', async () => {
    const order: string[] = [];
    setImmediate(() => order.push('other'));
    await systemClock.breathe();
    order.push('us');
    await systemClock.sleep(1);
    expect(order).toEqual(['other', 'us']);
  });
});

describe('an answer that may be here already', () => {
  it('is gone on with at once when it is', () => {
    expect(andThen(5, (value) => value + 1)).toBe(6);
    expect(isPending(5)).toBe(false);
  });

  it('is waited for when it is not, and its failure passes through', async () => {
    expect(isPending(Promise.resolve(5))).toBe(true);
    await expect(andThen(Promise.resolve(5), (value) => value + 1)).resolves.toBe(6);
    await expect(andThen(Promise.reject<number>(new Error('down')), (value) => value + 1)).rejects.toThrow('down');
  });
});
