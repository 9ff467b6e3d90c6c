/** Two levels come and go as one: what was opened is closed, whatever fails on the way. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { localBus } from '../../lib/bus/local.bus.js';
import type { Backend, BackendFactory } from '../../lib/core/backend.js';
import type { BusFactory } from '../../lib/core/bus.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { BackendError } from '../../lib/core/errors.js';
import { tieredBackend } from '../support/bus/tiered-machine.js';
import { redisBackend } from '../support/redis/redis-machine.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

/** A bus within the process that cannot be closed. */
function unclosableBus(): BusFactory {
  const local = localBus();
  return {
    kind: 'unclosable',
    wire(parts) {
      const wire = local.wire(parts);
      wire.close = () => Promise.reject(new Error('the bus stays'));
      return wire;
    },
  };
}

/** Memory that counts how often it is closed, and can be set to fail then. */
function closingMemory(failure?: Error): { readonly factory: BackendFactory; closed: number } {
  const counted = {
    closed: 0,
    factory: {
      kind: 'memory',
      create(parts: Parameters<BackendFactory['create']>[0]): Backend {
        const backend = memory().create(parts);
        const close = backend.close.bind(backend);
        backend.close = async () => {
          counted.closed++;
          await close();
          if (failure !== undefined) throw failure;
        };
        return backend;
      },
    },
  };
  return counted;
}

/** The clock of the machine; knows the timers that are set. */
function countingClock(): Clock & { readonly timers: Set<() => void> } {
  const timers = new Set<() => void>();
  return {
    ...systemClock,
    machine: undefined,
    timers,
    after(delayMs, callback) {
      const cancel = systemClock.after(delayMs, () => {
        timers.delete(end);
        callback();
      });
      const end = (): void => {
        timers.delete(end);
        cancel();
      };
      timers.add(end);
      return end;
    },
  };
}

describeWithRedis('two levels, closed', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  /** Without the connection that lists them. */
  const connections = async (): Promise<number> =>
    String(await server.command('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => line !== '').length - 1;

  it('close the shared level although the bus cannot be closed, and fail with its error', async () => {
    const backend = tieredBackend({ url: server.url, bus: { via: unclosableBus() } });
    await backend.open?.();
    await until('it is connected', async () => (await connections()) > 0);
    await expect(backend.close()).rejects.toThrow('the bus stays');
    await until('it has left', async () => (await connections()) === 0);
  });

  it('close everything, and fail with the first error', async () => {
    const fallback = closingMemory(new Error('the fallback stays'));
    const backend = tieredBackend({ url: server.url, bus: { via: unclosableBus() }, fallback: fallback.factory });
    await backend.open?.();
    await until('it is connected', async () => (await connections()) > 0);
    await expect(backend.close()).rejects.toThrow('the bus stays');
    expect(fallback.closed).toBe(1);
    await until('it has left', async () => (await connections()) === 0);
  });

  type Start = (options: RedisOptions, fallback: BackendFactory, clock: Clock) => Backend;
  const starts: [string, Start, number][] = [
    ['two levels', (options, _, clock) => tieredBackend({ ...options, bus: { via: localBus() } }, [], clock), 0],
    [
      'two levels with a fallback',
      (options, fallback, clock) => tieredBackend({ ...options, bus: { via: localBus() }, fallback }, [], clock),
      1,
    ],
    ['one level', (options, _, clock) => redisBackend({ ...options, clock }), 0],
    ['one level with a fallback', (options, fallback, clock) => redisBackend({ ...options, fallback, clock }), 1],
  ];
  it.each(starts)('leave nothing behind when they cannot start: %s', async (_, start, closed) => {
    const nowhere = await RedisProcess.nowhere();
    const clock = countingClock();
    const fallback = closingMemory();
    const options = {
      url: nowhere.url,
      requireOnBoot: true,
      connectTimeout: '400ms',
      failures: 1,
      pause: '50ms',
    } as const;
    const backend = start(options, fallback.factory, clock);
    try {
      const opening = Promise.resolve(backend.open?.());
      // Calls before the start fail, and from then on it is tried whether the server is back.
      await Promise.resolve(backend.ping()).catch(() => undefined);
      expect(clock.timers.size).toBeGreaterThan(0);
      await expect(opening).rejects.toThrow(BackendError);
      expect(clock.timers.size).toBe(0);
      await pause(150);
      expect(clock.timers.size).toBe(0);
      expect(Math.min(fallback.closed, 1)).toBe(closed);
    } finally {
      await backend.close();
      await nowhere.stop();
    }
  });
});
