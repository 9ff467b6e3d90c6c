import { describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Deadlines } from '../../lib/backends/resilience/deadlines.js';
import { GuardedBackend } from '../../lib/backends/resilience/guarded.backend.js';
import { resolveGuardOptions } from '../../lib/backends/resilience/options.js';
import { Journal } from '../../lib/backends/resilience/journal.js';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import type { Backend } from '../../lib/core/backend.js';
import { systemClock } from '../../lib/core/clock.js';
import { BackendError } from '../../lib/core/errors.js';
import { FakeClock } from '../../lib/testing/fake.clock.js';
import { backendParts } from '../support/machine/backends.js';
import { Deferred, Rig } from '../support/machine/rig.js';
import { redisBackend } from '../support/redis/redis-machine.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

it('G8: a read after an invalidation was not confirmed waits until it is', async () => {
  const clock = new FakeClock();
  const parts = backendParts({ clock });
  const inner = memory().create(parts) as Backend;
  const said: string[] = [];
  const repeated = new Deferred<number>();
  let isAway = true;
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    evict: () => {
      said.push('evict');
      return isAway ? Promise.reject(new BackendError('evict', 'stand-in')) : repeated.promise;
    },
    read: (key) => {
      said.push('read');
      return inner.read(key);
    },
    ping: () => undefined,
  };
  const guarded = new GuardedBackend(stand as Backend, resolveGuardOptions({ invalidationTimeout: 1 }, 'x'), parts);
  const key = new Rig({ clock }).key('cat');
  await expect(guarded.evict([key])).rejects.toThrow('evict');
  isAway = false;
  const reading = guarded.read(key);
  await clock.settle();
  expect(said).toEqual(['evict', 'evict']);
  repeated.resolve(1);
  await reading;
  expect(said).toEqual(['evict', 'evict', 'read']);
});

it('G8: an invalidation that is queued again while it is replayed is replayed once more', async () => {
  const clock = new FakeClock();
  const parts = backendParts({ clock });
  const answers: Deferred<number>[] = [];
  let isAway = true;
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    evict: () => {
      if (isAway) return Promise.reject(new BackendError('evict', 'stand-in'));
      const answer = new Deferred<number>();
      answers.push(answer);
      return answer.promise;
    },
    ping: () => undefined,
  };
  const settings = resolveGuardOptions({ invalidationTimeout: 1, failures: 1 }, 'x');
  const guarded = new GuardedBackend(stand as Backend, settings, parts);
  const key = new Rig({ clock }).key('cat');
  await expect(guarded.evict([key])).rejects.toThrow('evict');
  isAway = false;
  await clock.advance(500);
  expect(answers).toHaveLength(1);
  // It has been carried out, and its answer is under way. Something else comes to stand there, and is to go as well.
  await expect(guarded.evict([key])).rejects.toThrow('circuit open');
  answers[0]?.resolve(1);
  await clock.settle();
  guarded.ping().catch(() => undefined);
  await clock.settle();
  expect(answers).toHaveLength(2);
  answers[1]?.resolve(1);
  await clock.settle();
  await guarded.ping();
});

it('G7: an invalidation that was confirmed only when it was resent is replayed to another server', async () => {
  const clock = new FakeClock();
  const said: string[] = [];
  let isAway = true;
  let meetAnother = (): void => undefined;
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    evict: () => {
      if (isAway) return Promise.reject(new BackendError('evict', 'stand-in'));
      said.push('evict');
      return 1;
    },
    ping: () => undefined,
    onReborn: (listener) => {
      meetAnother = listener;
    },
  };
  const settings = resolveGuardOptions({ invalidationTimeout: 1 }, 'x');
  const guarded = new GuardedBackend(stand as Backend, settings, backendParts({ clock }));
  await expect(guarded.evict([new Rig({ clock }).key('cat')])).rejects.toThrow('evict');
  isAway = false;
  await guarded.ping();
  expect(said).toEqual(['evict']);
  // A replica takes over that had not received it.
  meetAnother();
  await guarded.ping();
  expect(said).toEqual(['evict', 'evict']);
});

it('G7: those of a busy minute are replayed in a moment', async () => {
  const clock = new FakeClock();
  const rig = new Rig({ clock });
  let meetAnother = (): void => undefined;
  let said = 0;
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    evict: async () => {
      await clock.sleep(1);
      return ++said;
    },
    ping: () => undefined,
    onReborn: (listener) => {
      meetAnother = listener;
    },
  };
  const guarded = new GuardedBackend(stand as Backend, resolveGuardOptions({}, 'x'), backendParts({ clock }));
  const evicting = Promise.all(Array.from({ length: 9_000 }, (_, at) => guarded.evict([rig.key(at)])));
  await clock.advance(1);
  await evicting;
  meetAnother();
  await clock.advance(200);
  expect(said).toBe(18_000);
});

it('G7: what was confirmed is remembered for its window, and no longer', async () => {
  const clock = new FakeClock();
  const rig = new Rig({ clock });
  const journal = new Journal(clock, 1_000, 10_000);
  const held: WeakRef<object>[] = [];
  const note = (at: number): void => {
    const keys = [rig.key(at)];
    held.push(new WeakRef(keys));
    journal.record({ kind: 'evict', keys });
  };
  for (let at = 0; at < 50; at++) {
    note(at);
    await clock.advance(100);
  }
  expect(journal.recent()).toHaveLength(10);
  for (let at = 50; at < 100; at++) {
    note(at);
    await clock.advance(100);
  }
  await systemClock.breathe();
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const alive = held.filter((ref) => ref.deref() !== undefined).length;
  expect(alive).toBeLessThan(25);
});

it('a call that waits for an answer when it is closed gets none in time: an adopted client goes on', async () => {
  const clock = new FakeClock();
  const stand: Partial<Backend> = { kind: 'x', read: () => new Promise(() => undefined), close: () => undefined };
  const guarded = new GuardedBackend(stand as Backend, resolveGuardOptions({}, 'x'), backendParts({ clock }));
  const reading = Promise.allSettled([guarded.read(new Rig({ clock }).key('cat'))]);
  await guarded.close();
  await clock.advance(250);
  expect(await reading).toMatchObject([{ reason: { message: expect.stringContaining('no answer in time') } }]);
});

describeWithRedis('G9: a process that was busy', () => {
  it('reads the answers that arrived meanwhile before it gives them up', async () => {
    const server = await RedisProcess.start();
    const backend = redisBackend({ url: server.url, timeout: '100ms' });
    const rig = new Rig({ clock: systemClock });
    const read = (name: unknown): Promise<unknown> => Promise.resolve(backend.read(rig.key(name)));
    try {
      await backend.open?.();
      await read('cat');
      // From here on timers come before answers.
      await systemClock.breathe();
      const reading = Promise.allSettled(Array.from({ length: 20 }, (_, n) => read(n)));
      for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => process.nextTick(resolve));
      const begunAtMs = performance.now();
      while (performance.now() - begunAtMs < 300);
      expect(new Set((await reading).map(({ status }) => status))).toEqual(new Set(['fulfilled']));
      await read('dog');
    } finally {
      await backend.close();
      await server.stop();
    }
  });
});

describe('what takes its time', () => {
  const timed = () => {
    const clock = new FakeClock();
    const parts = backendParts({ clock });
    const inner = memory().create(parts) as Backend;
    const rig = new Rig({ clock });
    const draft = { value: 1, labels: [], freshForMs: 1_000, keptForMs: 1_000, isolation: 'clone' } as const;
    const entries = (many: number) => Array.from({ length: many }, (_, at) => [rig.key(at), draft] as const);
    const guard = (stand: Partial<Backend>): GuardedBackend =>
      new GuardedBackend(
        stand as Backend,
        resolveGuardOptions({ invalidationTimeout: 1, failures: 1_000 }, 'x'),
        parts,
      );
    return { clock, inner, rig, draft, entries, guard };
  };

  /** A server that is away, and takes its time once it is back. */
  const away = (clock: FakeClock) => {
    let isAway = true;
    const evict = async (): Promise<number> => {
      if (isAway) throw new BackendError('evict', 'stand-in');
      await clock.sleep(200);
      return 1;
    };
    return { evict, comeBack: () => void (isAway = false) };
  };

  it('many entries at once are given the time of a long call, few that of a short one', async () => {
    const { clock, entries, guard } = timed();
    const slow = async (): Promise<number> => {
      await clock.sleep(2_000);
      return 1;
    };
    const guarded = guard({ kind: 'stand-in', writeMany: async () => void (await slow()), evict: slow });
    const keys = entries(1_000).map(([key]) => key);
    const calls = [
      () => guarded.writeMany(entries(1_000)),
      () => guarded.evict(keys),
      () => guarded.writeMany(entries(100)),
      () => guarded.evict(keys.slice(0, 100)),
    ];
    const outcomes: string[] = [];
    for (const call of calls) {
      const settled = Promise.allSettled([call()]);
      await clock.advance(2_001);
      outcomes.push((await settled)[0].status);
    }
    expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  });

  it('however many entries are read at once, each portion has the time of a call', async () => {
    const { clock, entries, guard } = timed();
    const portions: number[] = [];
    const guarded = guard({
      kind: 'stand-in',
      readMany: async (keys) => {
        portions.push(keys.length);
        await clock.sleep(200);
        return keys.map(() => ({ entry: undefined, required: { generation: '', stamp: 0 }, level: 'l2' }));
      },
    });
    const reading = guarded.readMany(entries(2_500).map(([key]) => key));
    await clock.advance(601);
    expect(await reading).toHaveLength(2_500);
    expect(portions).toEqual([1_000, 1_000, 500]);
  });

  it('A6: a write that waited behind a repeated invalidation until its caller gave it up is not begun', async () => {
    const { clock, rig, draft, guard } = timed();
    const written: unknown[] = [];
    const { evict, comeBack } = away(clock);
    const guarded = guard({
      kind: 'stand-in',
      evict,
      write: (key) => void written.push(key.id),
      ping: () => undefined,
    });
    // More than are sent in parallel, and each takes less than a call may.
    for (let at = 0; at < 100; at++) await expect(guarded.evict([rig.key(at)])).rejects.toThrow('evict');
    comeBack();
    const late = Promise.allSettled([guarded.write(rig.key('cat'), draft)]);
    await clock.advance(2_000);
    expect((await late)[0].status).toBe('rejected');
    expect(written).toEqual([]);
    await guarded.write(rig.key('cow'), draft);
    expect(written).toEqual([rig.key('cow').id]);
  });

  it('A6: a write that waited behind a resent invalidation knows when its caller will give it up', async () => {
    const { clock, rig, draft, guard } = timed();
    const due: unknown[] = [];
    const { evict, comeBack } = away(clock);
    const guarded = guard({
      kind: 'stand-in',
      evict,
      write: (...args: unknown[]) => void due.push((args[2] as () => number)()),
      writeMany: (...args: unknown[]) => void due.push((args[1] as () => number)()),
      ping: () => undefined,
    });
    await expect(guarded.evict([rig.key('dog')])).rejects.toThrow('evict');
    comeBack();
    const key = rig.key('cat');
    const beganAtMs = clock.monotonicMs();
    const writing = Promise.all([guarded.write(key, draft), guarded.writeMany([[key, draft]])]);
    await clock.advance(200);
    await writing;
    expect(due).toEqual([beganAtMs + 250, beganAtMs + 250]);
  });
});

it('G7: an answer to a request sent before another server took over is rejected, and a lease it granted is released', async () => {
  const clock = new FakeClock();
  const parts = backendParts({ clock });
  const inner = memory().create(parts) as Backend;
  const key = new Rig({ clock }).key('cat');
  const said: string[] = [];
  let isOther: () => void = () => undefined;
  const answers = new Deferred<void>();
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    onReborn: (listener) => (isOther = listener),
    read: async (asked) => {
      await answers.promise;
      return inner.read(asked);
    },
    lease: async (asked, request) => {
      await answers.promise;
      return inner.lease(asked, request);
    },
    release: () => void said.push('release'),
    evict: () => {
      said.push('evict');
      return 0;
    },
    ping: () => undefined,
  };
  const guarded = new GuardedBackend(stand as Backend, resolveGuardOptions({}, 'x'), parts);
  await guarded.evict([key]);
  const asked = Promise.allSettled([guarded.read(key), guarded.lease(key, { leaseMs: 1_000, purpose: 'missing' })]);
  await clock.settle();
  isOther();
  answers.resolve();
  expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await clock.settle();
  expect(said).toEqual(['evict', 'evict', 'release']);
  await guarded.read(key);
});

it('G9: whether it answers again is not found out by a call that may take long', async () => {
  const clock = new FakeClock();
  const key = new Rig({ clock }).key('cat');
  const view = new Rig({ clock }).view();
  let isAway = true;
  const stand: Partial<Backend> = {
    kind: 'stand-in',
    ping: () => undefined,
    evict: () => (isAway ? Promise.reject(new BackendError('evict', 'stand-in')) : 1),
    usage: () => new Promise(() => undefined),
  };
  const settings = resolveGuardOptions({ failures: 2, pause: 500, invalidationTimeout: 1 }, 'x');
  const guarded = new GuardedBackend(stand as Backend, settings, backendParts({ clock }));
  await expect(guarded.evict([key])).rejects.toThrow('evict');
  await clock.advance(300);
  await expect(guarded.evict([key])).rejects.toThrow('evict');
  isAway = false;
  // No probe has been made since the pause was over.
  await clock.advance(550);
  const counting = Promise.allSettled([guarded.usage(view)]);
  await clock.settle();
  expect(await guarded.evict([key])).toBe(1);
  await clock.advance(30_000);
  expect((await counting)[0].status).toBe('rejected');
});

it('an answer is not kept until the deadline that it met', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const deadlines = new Deadlines(systemClock, 60_000);
  const ask = async (): Promise<WeakRef<object>> =>
    new WeakRef(await deadlines.limit(Promise.resolve({ large: 'value' }), () => new Error('late')));
  const answers = await Promise.all(Array.from({ length: 20 }, ask));
  for (let turn = 0; turn < 5; turn++) {
    await systemClock.breathe();
    collect();
  }
  deadlines.close();
  expect(answers.filter((answer) => answer.deref() !== undefined).length).toBeLessThan(3);
});
