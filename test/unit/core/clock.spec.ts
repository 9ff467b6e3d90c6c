import { mock } from 'node:test';
import nodeTimers from 'node:timers';
import { describe, expect, it, jest } from '@jest/globals';
import { andThen, isPending } from '../../../lib/core/async/awaitable.js';
import { hasFakeTimers, systemClock } from '../../../lib/core/clock.js';

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

describe('timers count as those of a test', () => {
  const realTimer = globalThis.setTimeout;

  function isFakeWith(timer: unknown): boolean {
    try {
      globalThis.setTimeout = timer as typeof setTimeout;
      return hasFakeTimers();
    } finally {
      globalThis.setTimeout = realTimer;
    }
  }

  it('not when something wraps the real setTimeout, as zone.js and monitoring do: time goes on as before', () => {
    const wrapper = (...args: Parameters<typeof setTimeout>) => realTimer(...args);
    expect(isFakeWith(wrapper)).toBe(false);
    expect(isFakeWith(Object.assign(wrapper.bind(undefined), realTimer))).toBe(false);
    const before = systemClock.monotonicMs();
    globalThis.setTimeout = wrapper as typeof setTimeout;
    try {
      expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
    } finally {
      globalThis.setTimeout = realTimer;
    }
    expect(hasFakeTimers()).toBe(false);
  });

  it.each<[string, unknown]>([
    ['fakes of sinon, Jest and Vitest', Object.assign(() => 1, { clock: {} })],
    ['mock functions of Jest and Vitest', jest.fn()],
  ])('%s', (_, timer) => {
    expect(isFakeWith(timer)).toBe(true);
  });

  it('those of Jest while they are in use', () => {
    jest.useFakeTimers();
    expect(hasFakeTimers()).toBe(true);
    jest.useRealTimers();
    expect(hasFakeTimers()).toBe(false);
  });

  it('those of node:test while they are in use', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    // The globals of a test of Jest are its own: node:test replaces those of the process, and the same in the module.
    const fake = nodeTimers.setTimeout;
    mock.timers.reset();
    expect(fake).not.toBe(nodeTimers.setTimeout);
    expect(isFakeWith(fake)).toBe(true);
    expect(isFakeWith(nodeTimers.setTimeout)).toBe(false);
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
