/** What is under way when something changes: a copy is not taken past an invalidation (invariant 10). */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { TieredOptions } from '../../lib/backends/tiered/options.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { Gated } from '../support/bus/gated.js';
import { caughtUp, firstLevelOf, isNear, levelOf, near, TieredMachines } from '../support/bus/tiered-machines.js';
import { Rig } from '../support/machine/rig.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

/** Longer than a message takes on any machine. Only where copies are checked so often that none could be watched go. */
const HEARD_MS = 300;

describeWithRedis('what is under way when something changes', () => {
  let server: RedisProcess;
  let machines = new TieredMachines();
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(async () => {
    await machines.close();
    machines = new TieredMachines();
  });
  afterAll(() => server.stop());

  /** A machine whose answers from the server can be held back, and another one. */
  async function scene(more: Pick<TieredOptions, 'maxUnvalidated' | 'bus'> = { maxUnvalidated: '1h' }) {
    const gate = new Gated(redis({ url: server.url, timeout: '10s', invalidationTimeout: '10s' }));
    const factory = tiered({ l1: memory(), l2: gate, ...more });
    const a = new Rig<Clock>({
      clock: systemClock,
      random: Math.random,
      backend: { kind: 'tiered', create: (parts) => factory.create({ ...parts, prefix: machines.prefix }) },
    });
    await a.backend.open?.();
    const b = await machines.ready({ url: server.url });
    // The first message about a partition makes everything go; the later ones, only what they mean.
    await b.set('mark', 0);
    if (more.bus !== false && more.maxUnvalidated === '1h') await caughtUp(b, a);
    await near(a, 'mark');
    /** Until every message of b has arrived, although answers are held back. */
    const delivered = async (): Promise<void> => {
      await b.evict('mark');
      await until('all messages are delivered', () => !isNear(a, 'mark'));
    };
    return { a, b, gate, delivered };
  }

  it.each([
    ['an eviction', (rig: Rig<Clock>) => rig.evict('tom')],
    ['another value', (rig: Rig<Clock>) => rig.set('tom', 2)],
    ['a tag', (rig: Rig<Clock>) => rig.invalidateTag('red')],
    ['a clear', (rig: Rig<Clock>) => rig.clear()],
    ['a pattern', (rig: Rig<Clock>) => rig.removeMatching('t*')],
    ['a namespace of all tenants', (rig: Rig<Clock>) => rig.clearEverywhere()],
  ])('a read: a message about %s elsewhere arrives before its answer', async (_, change) => {
    const { a, b, gate, delivered } = await scene();
    await b.set('tom', 1, { tags: ['red'] });
    await caughtUp(b, a);
    const held = gate.hold('read');
    const reading = a.get('tom');
    await held;
    await change(b);
    await delivered();
    gate.release('read');
    expect(await reading).toBe(1);
    expect(isNear(a, 'tom')).toBe(false);
    expect(await a.get('tom')).not.toBe(1);
  });

  it('a read that no change concerns is kept, whatever other messages arrive', async () => {
    const { a, b, gate, delivered } = await scene();
    await b.set('tom', 1, { tags: ['red'] });
    await caughtUp(b, a);
    const held = gate.hold('read');
    const reading = a.get('tom');
    await held;
    await b.evict('kit');
    await b.invalidateTag('blue');
    await delivered();
    gate.release('read');
    await reading;
    expect(isNear(a, 'tom')).toBe(true);
  });

  it.each([
    ['eviction', 'evict', (rig: Rig<Clock>) => rig.evict('tom')],
    ['tag', 'invalidate', (rig: Rig<Clock>) => rig.invalidateTag('red')],
    ['clear', 'clear', (rig: Rig<Clock>) => rig.clear()],
    ['pattern', 'removeMatching', (rig: Rig<Clock>) => rig.removeMatching('t*')],
    ['clear of a namespace of all tenants', 'clearEverything', (rig: Rig<Clock>) => rig.clearEverywhere()],
  ])('what was read before the own %s reached the server, and comes before its answer', async (_, verb, change) => {
    const { a, b, gate } = await scene({ maxUnvalidated: '1h', bus: false });
    await b.set('tom', 1, { tags: ['red'] });
    gate.holdRequest(verb);
    const changing = change(a);
    // Forgotten already, read anew, and kept: the server does not know of the change yet.
    expect(await a.get('tom')).toBe(1);
    expect(isNear(a, 'tom')).toBe(true);
    gate.release(verb);
    await changing;
    expect(isNear(a, 'tom')).toBe(false);
    expect(await a.get('tom')).toBeUndefined();
  });

  it('a read, when the subscription broke and came back meanwhile', async () => {
    const { a, b, gate } = await scene();
    await b.set('tom', 1);
    await caughtUp(b, a);
    const held = gate.hold('read');
    const reading = a.get('tom');
    await held;
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(
      'it is noticed',
      async () => (await firstLevelOf(a)).bus === 'down' || (await firstLevelOf(a)).entries === 0,
    );
    await until('messages come again', async () => (await firstLevelOf(a)).bus === 'up');
    gate.release('read');
    await reading;
    expect(isNear(a, 'tom')).toBe(false);
  });

  it.each([
    ['a write', (rig: Rig<Clock>) => rig.set('tom', 2), 'write'],
    ['a fill', (rig: Rig<Clock>) => rig.put('tom', async () => 2), 'fill'],
  ])('%s, when another process changes the same before its answer comes', async (_, store, verb) => {
    const { a, b, gate, delivered } = await scene();
    const held = gate.hold(verb);
    const storing = store(a);
    await held;
    await b.set('tom', 3);
    await delivered();
    gate.release(verb);
    await storing;
    expect(isNear(a, 'tom')).toBe(false);
    expect(await a.get('tom')).toBe(3);
  });

  it('a read of what stood there before the own write', async () => {
    const { a, b, gate } = await scene({ maxUnvalidated: '1h', bus: false });
    await b.set('tom', 1);
    const held = gate.hold('read');
    const reading = a.get('tom');
    await held;
    await a.set('tom', 2);
    gate.release('read');
    await reading;
    expect(await a.get('tom')).toBe(2);
  });

  it('a check: a message while it is in flight counts more than its answer', async () => {
    const { a, b, gate } = await scene({ maxUnvalidated: 50 });
    await b.set('tom', 1);
    await pause(HEARD_MS);
    await a.get('tom');
    await pause(60);
    const held = gate.hold('stillStands');
    const reading = a.get('tom');
    await held;
    await b.set('tom', 2);
    await pause(HEARD_MS);
    gate.release('stillStands');
    expect(await reading).toBe(2);
  });

  it('a copy is as old as its request, not as its answer', async () => {
    const { a, b, gate } = await scene({ maxUnvalidated: 1_200, bus: false });
    await b.set('tom', 1);
    const held = gate.hold('read');
    const reading = a.get('tom');
    await held;
    await b.set('tom', 2);
    await pause(700);
    gate.release('read');
    await reading;
    expect(isNear(a, 'tom')).toBe(true);
    await pause(600);
    expect(await a.get('tom')).toBe(2);
  });

  it('an older answer does not take the place of a newer copy', async () => {
    const { a, b, gate } = await scene({ maxUnvalidated: '1h', bus: false });
    await b.set('tom', 1);
    const held = gate.hold('read');
    const slow = a.get('tom');
    await held;
    await b.set('tom', 2);
    const fast = a.backend.readMany([a.key('tom')]);
    await fast;
    expect(await a.get('tom')).toBe(2);
    gate.release('read');
    await slow;
    expect(await a.get('tom')).toBe(2);
    expect(await levelOf(a, 'tom')).toBe('l1');
  });

  describe('tiered', () => {
    it.each([
      [{ l1: redis(), l2: redis() }, 'tiered.l1'],
      [{ l1: memory(), l2: memory() }, 'tiered.l2'],
      [{ l1: memory() }, 'tiered.l2'],
      [{ l2: redis() }, 'tiered.l1'],
      [{ l1: memory(), l2: redis(), maxUnvalidated: '2h' }, 'tiered.maxUnvalidated'],
      [{ l1: memory(), l2: redis(), maxUnvalidated: -1 }, 'tiered.maxUnvalidated'],
      [{ l1: memory(), l2: redis(), bus: { heartbeat: 1 } }, 'tiered.bus.heartbeat'],
      [{ l1: memory(), l2: redis(), bus: { heartbeat: '2m' } }, 'tiered.bus.heartbeat'],
      [{ l1: memory(), l2: redis(), bus: true }, 'tiered.bus'],
      ['everything', 'tiered'],
    ])('refuses nonsense by the name of its option (%#)', (options, name) => {
      expect(() => tiered(options as unknown as TieredOptions)).toThrow(`${name}: `);
    });
  });
});
