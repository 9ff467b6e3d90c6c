/** What two levels do beyond the contract: which level answers, which messages arrive, and for how long a copy is served. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { SecondLevelFactory } from '../../lib/backends/shared/second-level.js';
import { systemClock } from '../../lib/core/clock.js';
import type { Reading } from '../../lib/core/backend.js';
import { caughtUp, firstLevelOf, levelOf, near, TieredMachines } from '../support/bus/tiered-machines.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { redisBackend } from '../support/redis/redis-machine.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { LONG_TIMEOUTS } from '../support/servers/contract-harness.js';

jest.setTimeout(30_000);

/** Long enough that nothing is checked during a test. */
const NEVER = { maxUnvalidated: '1h' } as const;

describeWithRedis('two levels', () => {
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

  const machine = (options = {}) => machines.ready({ url: server.url, ...NEVER, ...options });

  describe('which level answers', () => {
    it('the process itself, at once and without a promise, when it has read before', async () => {
      const [a, b] = [await machine(), await machine()];
      await a.set('tom', { age: 3 });
      expect(await levelOf(b, 'tom')).toBe('l2');
      await near(b, 'tom');
      const reading = b.backend.read(b.key('tom'));
      expect(reading).not.toBeInstanceOf(Promise);
      expect(reading).toMatchObject({ level: 'l1' });
      expect((reading as Reading).entry?.value).toEqual({ age: 3 });
    });

    it('the process itself, when it has stored', async () => {
      const [a, b] = [await machine(), await machine()];
      // From the first message about a partition on, nothing is forgotten that was not meant.
      await a.set('leo', 0);
      await caughtUp(b, a);
      await near(a, 'leo');
      await a.set('tom', 1);
      expect(await levelOf(a, 'tom')).toBe('l1');
      await a.load('kit', async () => 2);
      expect(await levelOf(a, 'kit')).toBe('l1');
      await caughtUp(b, a);
      for (const name of ['leo', 'tom', 'kit']) expect(await levelOf(a, name)).toBe('l1');
    });

    it('is in the events of every verb that reads', async () => {
      const [a, b] = [await machine(), await machine({ bus: false })];
      await a.set('tom', 1);
      await a.set('kit', 1);
      await a.set('leo', 1);
      const { recorded } = b;
      const levels = (): unknown[] => recorded.of('hit').map(({ level }) => level);
      const many = [{ key: b.key('leo'), policy: b.policy(), frame: undefined }];
      for (let look = 0; look < 2; look++) {
        await b.load('tom', async () => 2);
        await b.get('kit');
        await b.machine.engine.getMany(many);
      }
      expect(levels()).toEqual(['l2', 'l2', 'l2', 'l1', 'l1', 'l1']);
    });

    it('is in the event of a stale value in place of a failed load as well', async () => {
      const a = await machine();
      const policy = { ttl: 1, staleIfError: '1h' } as const;
      await a.set('tom', 1, policy);
      await pause(5);
      expect(await a.load('tom', () => Promise.reject(new Error('down')), policy)).toBe(1);
      expect(a.recorded.of('hit')).toMatchObject([{ verdict: 'grace', level: 'l2' }]);
    });

    it('hands every reader a value of its own', async () => {
      const a = await machine();
      await a.set('tom', { tags: ['red'] });
      for (let look = 0; look < 3; look++) {
        const value = (await a.get('tom')) as { tags: string[] };
        expect(value).toEqual({ tags: ['red'] });
        value.tags.push('mine');
      }
    });

    it('shares one frozen value where the policy freezes', async () => {
      const [a, b] = [await machine(), await machine()];
      await a.set('tom', { age: 3 });
      await caughtUp(a, b);
      const first = await b.get('tom', { isolate: 'freeze' });
      expect(await b.get('tom', { isolate: 'freeze' })).toBe(first);
      expect(Object.isFrozen(first)).toBe(true);
    });

    it('only the server, for a policy with level l2, although there is a copy', async () => {
      const a = await machine({ bus: false });
      await a.set('tom', 1);
      await near(a, 'tom');
      const how = { level: 'l2' } as const;
      expect((await a.backend.read(a.key('tom'), how)).level).toBe('l2');
      expect((await a.backend.readMany([a.key('tom')], how)).map(({ level }) => level)).toEqual(['l2']);
    });

    const policy = { level: 'l2' } as const;
    type Machine = Awaited<ReturnType<typeof machine>>;
    const verbs: [string, (rig: Machine) => Promise<unknown>][] = [
      ['getOrSet', (rig) => rig.load('tom', async () => 2, policy)],
      ['getOrSet of nothing', (rig) => rig.load('kit', async () => 2, policy)],
      ['get', (rig) => rig.get('tom', policy)],
      ['set', (rig) => rig.set('tom', 2, policy)],
      ['put', (rig) => rig.put('tom', async () => 2, policy)],
      [
        'getMany',
        async (rig) =>
          rig.machine.engine.getMany([
            { key: rig.key('kit'), policy: rig.policy(), frame: undefined },
            { key: rig.key('tom'), policy: rig.policy(policy), frame: undefined },
          ]),
      ],
    ];

    it.each(verbs)('no process keeps a copy under such a policy: %s', async (_, act) => {
      const [a, b] = [await machine(), await machine({ bus: false })];
      await a.set('tom', 1);
      await act(b);
      expect(await firstLevelOf(b)).toMatchObject({ entries: 0 });
    });

    it('what was stored last, where the new value cannot be kept and the old one was', async () => {
      const a = await machine({ memory: { maxEntryBytes: 4_096 }, bus: false });
      await a.set('tom', 1);
      await near(a, 'tom');
      await a.set('tom', 2, { level: 'l2' });
      expect(await a.get('tom')).toBe(2);
      await near(a, 'tom');
      const large = 'x'.repeat(10_000);
      await a.set('tom', large);
      expect(await a.get('tom')).toBe(large);
    });

    it.each([{ bus: false }, {}] as const)('what it has counted or given another life itself (%o)', async (options) => {
      const a = await machine(options);
      const { engine } = a.machine;
      await a.set('tom', 1);
      await near(a, 'tom');
      await engine.writes.expire(a.key('tom'), 60_000, a.policy());
      expect(await engine.ttlMs(a.key('tom'), a.policy())).toBeLessThanOrEqual(61_000);
      await near(a, 'tom');
      await engine.writes.increment(a.key('tom'), 1, a.policy());
      expect(await a.get('tom')).toBe(2);
    });

    it('the server, for what is too large to be kept here', async () => {
      const a = await machine({ memory: { maxEntryBytes: 4_096 } });
      await a.set('large', 'x'.repeat(10_000));
      await a.set('small', 'x');
      await near(a, 'small');
      expect(await levelOf(a, 'large')).toBe('l2');
      expect(await levelOf(a, 'large')).toBe('l2');
    });

    it('the server, for counters: they change in place', async () => {
      const [a, b] = [await machine(), await machine()];
      const { writes } = a.machine.engine;
      await writes.increment(a.key('visits'), 2, a.policy());
      expect(await b.get('visits')).toBe(2);
      await writes.increment(a.key('visits'), 3, a.policy());
      expect(await b.get('visits')).toBe(5);
      expect(await levelOf(b, 'visits')).toBe('l2');
    });

    it('the server, for what is past its ttl here', async () => {
      const [a, b] = [await machine(), await machine()];
      await a.load('tom', async () => 1, { ttl: 1_000, staleWhileRevalidate: '1h' });
      await near(b, 'tom');
      await pause(1_050);
      const reading = await b.backend.read(b.key('tom'));
      expect(reading.level).toBe('l2');
      expect(b.clock.monotonicMs()).toBeGreaterThan(reading.entry?.freshUntilMs ?? Infinity);
    });

    it('many keys from both levels, in their order', async () => {
      const [a, b] = [await machine(), await machine()];
      for (const name of ['tom', 'kit', 'leo']) await a.set(name, name);
      await near(b, 'kit');
      const readings = await b.backend.readMany(['tom', 'none', 'kit', 'leo'].map((name) => b.key(name)));
      expect(readings.map(({ entry }) => entry?.value)).toEqual(['tom', undefined, 'kit', 'leo']);
      expect(readings.map(({ level }) => level)).toEqual(['l2', 'l2', 'l1', 'l2']);
      expect(b.backend.readMany([b.key('tom'), b.key('leo')])).not.toBeInstanceOf(Promise);
    });
  });

  describe('what one process changes, the others receive', () => {
    const changes: [string, (rig: Awaited<ReturnType<typeof machine>>) => Promise<unknown>, unknown][] = [
      ['evict', (rig) => rig.evict('tom'), undefined],
      ['set', (rig) => rig.set('tom', 2), 2],
      ['put', (rig) => rig.put('tom', async () => 2), 2],
      ['expire', (rig) => rig.machine.engine.writes.expire(rig.key('tom'), 60_000, rig.policy()), 1],
      ['increment', (rig) => rig.machine.engine.writes.increment(rig.key('tom'), 1, rig.policy()), 2],
      ['invalidate a tag', (rig) => rig.invalidateTag('red'), undefined],
      ['clear the namespace', (rig) => rig.clear({ namespace: 'cats' }), undefined],
      ['clear the tenant', (rig) => rig.clear(), undefined],
      ['remove by pattern', (rig) => rig.removeMatching('t*'), undefined],
      ['clear a namespace of all tenants', (rig) => rig.clearEverywhere(), undefined],
      ['clear everything', (rig) => rig.machine.engine.writes.clearEverything(rig.space()), undefined],
    ];

    it.each(changes)('%s', async (_, change, expected) => {
      const [a, b] = [await machine(), await machine()];
      await a.set('tom', 1, { tags: ['red'] });
      await near(b, 'tom');
      await change(a);
      await until('the message', async () => (await levelOf(b, 'tom')) !== 'l1');
      expect(await b.get('tom')).toBe(expected);
    });

    it('a refresh: what the others keep is renewed with it', async () => {
      const [a, b] = [await machine(), await machine()];
      await a.set('tom', 1);
      await near(b, 'tom');
      const lease = await a.backend.lease(a.key('tom'), { leaseMs: 1_000, purpose: 'refresh' });
      if (lease.kind !== 'granted') throw new Error('not granted');
      const { labels } = a.key('tom');
      await a.backend.fill(lease.lease, {
        value: 2,
        labels,
        freshForMs: 60_000,
        keptForMs: 60_000,
        isolation: undefined,
      });
      await until('the message', async () => (await b.get('tom')) === 2);
    });

    it('also a process without a first level, if it announces what it does', async () => {
      const b = await machine();
      const plain = redisBackend({ url: server.url, prefix: machines.prefix, announce: true });
      await plain.write(b.key('tom'), {
        value: 1,
        labels: b.key('tom').labels,
        freshForMs: 60_000,
        keptForMs: 60_000,
        isolation: undefined,
      });
      await near(b, 'tom');
      await plain.evict([b.key('tom')]);
      await until('the message', async () => (await levelOf(b, 'tom')) !== 'l1');
      await plain.close();
    });

    it('and nothing else goes: other keys, tags, users and tenants stay', async () => {
      const [a, b] = [await machine(), await machine()];
      const others = [{ tags: ['blue'] }, { user: 'ann' }, { tenant: 'beta', tags: ['red'] }, { namespace: 'dogs' }];
      // The first message about a partition cannot show whether others before it were lost.
      for (const other of others) await a.set('kit', 1, other);
      await a.set('tom', 1, { tags: ['red'] });
      for (const tenant of ['acme', 'beta']) await caughtUp(a, b, { tenant });
      for (const other of others) await near(b, 'kit', other);
      await near(b, 'tom');
      await a.evict('tom');
      await a.invalidateTag('red');
      for (const tenant of ['acme', 'beta']) await caughtUp(a, b, { tenant });
      expect(await levelOf(b, 'tom')).not.toBe('l1');
      for (const other of others) expect([other, await levelOf(b, 'kit', other)]).toEqual([other, 'l1']);
    });
  });

  describe('how long a copy is served without a check', () => {
    it('until it is checked, when no message comes: then what is gone is gone', async () => {
      const a = await machine();
      const b = await machine({ maxUnvalidated: 1_000, bus: false });
      await a.set('tom', 1);
      expect(await b.get('tom')).toBe(1);
      await a.evict('tom');
      expect(await b.get('tom')).toBe(1);
      await pause(1_020);
      expect(await b.get('tom')).toBeUndefined();
    });

    it('not at all with 0: every hit is checked', async () => {
      const a = await machine();
      const b = await machine({ maxUnvalidated: 0, bus: false });
      await a.set('tom', 1);
      await b.get('tom');
      await a.set('tom', 2);
      expect(await b.get('tom')).toBe(2);
      expect(await b.get('tom')).toBe(2);
    });

    it('not when its key was evicted and loaded anew, although the stamp of that is the same', async () => {
      const a = await machine({ bus: false });
      const b = await machine({ maxUnvalidated: 0, bus: false });
      const stamp = async (): Promise<unknown> =>
        (await a.backend.read(a.key('tom'), { isolation: undefined, level: 'l2' })).entry?.stamp;
      await a.load('tom', () => 1);
      const before = await stamp();
      expect(await b.get('tom')).toBe(1);
      await a.evict('tom');
      await a.load('tom', () => 2);
      expect(await stamp()).toBe(before);
      expect(await b.get('tom')).toBe(2);
    });

    it.each([
      ['another value', (rig: Awaited<ReturnType<typeof machine>>) => rig.set('tom', 2)],
      [
        'another value after an eviction',
        async (rig: Awaited<ReturnType<typeof machine>>) => {
          await rig.evict('tom');
          await rig.load('tom', async () => 2, { tags: ['red'] });
        },
      ],
      ['a tag', (rig: Awaited<ReturnType<typeof machine>>) => rig.invalidateTag('red')],
      ['the namespace', (rig: Awaited<ReturnType<typeof machine>>) => rig.clear({ namespace: 'cats' })],
      ['the tenant', (rig: Awaited<ReturnType<typeof machine>>) => rig.clear()],
      ['everything on the server', async () => server.command('FLUSHALL')],
      [
        'the life of the shard',
        async () => {
          await server.command('HSET', `${machines.prefix}:2:{t.acme}:m`, 'i', 'AAAAAAAAAAAAAAAA');
          // A life that begins says so in its string as well.
          await server.command('UNLINK', `${machines.prefix}:2:{t.acme}:s`);
        },
      ],
    ])('a check compares the copy with what stands there: %s', async (_, change) => {
      const a = await machine();
      const b = await machine({ maxUnvalidated: 0, bus: false });
      await a.set('tom', 1, { tags: ['red'] });
      expect(await b.get('tom')).toBe(1);
      await change(a);
      expect(await b.get('tom')).not.toBe(1);
    });

    it('a check fetches no value, however large it is, and many readers share one', async () => {
      const proxy = await TcpProxy.before(server.port);
      const a = await machine(LONG_TIMEOUTS);
      const b = await machine({ url: proxy.url, maxUnvalidated: 200, bus: false, ...LONG_TIMEOUTS });
      await a.set('large', 'x'.repeat(500_000));
      await near(b, 'large');
      const before = proxy.bytesDown;
      await pause(230);
      const levels = await Promise.all(Array.from({ length: 50 }, () => levelOf(b, 'large')));
      expect(new Set(levels)).toEqual(new Set(['l1']));
      // One request, one answer.
      expect(proxy.bytesDown - before).toBeLessThan(1_000);
      expect(await levelOf(b, 'large')).toBe('l1');
      await machines.close();
      await proxy.close();
    });

    it('a check of many fetches no value that still stands, and what is new', async () => {
      const proxy = await TcpProxy.before(server.port);
      const a = await machine();
      const b = await machine({ url: proxy.url, maxUnvalidated: 0, bus: false });
      for (const name of ['large', 'small', 'gone']) await a.set(name, 'x'.repeat(name === 'large' ? 500_000 : 5));
      const many = () => b.backend.readMany(['large', 'none', 'small', 'gone'].map((name) => b.key(name)));
      await many();
      await a.set('small', 'new');
      await a.evict('gone');
      const before = proxy.bytesDown;
      const readings = await many();
      expect(proxy.bytesDown - before).toBeLessThan(5_000);
      expect(readings.map(({ entry }) => String(entry?.value).length)).toEqual([500_000, 9, 3, 9]);
      expect(readings.map(({ level }) => level)).toEqual(['l1', 'l2', 'l2', 'l2']);
      await machines.close();
      await proxy.close();
    });

    it('G9: a check of very many does not send all of them within one deadline', async () => {
      const real = redis({ url: server.url, timeout: '10s' }) as SecondLevelFactory;
      let [underWay, most] = [0, 0];
      const counted: SecondLevelFactory = {
        ...real,
        asSecondLevel: (parts, origin) => {
          const level = real.asSecondLevel(parts, origin);
          const stillStands = (...args: Parameters<typeof level.stillStands>): Promise<boolean> => {
            most = Math.max(most, ++underWay);
            return level.stillStands(...args).finally(() => underWay--);
          };
          return { ...level, stillStands };
        },
      };
      const over = tiered({ l1: memory(), l2: counted, maxUnvalidated: 0, bus: false });
      const prefix = machines.prefix;
      const rig = new Rig({
        clock: systemClock,
        backend: { kind: over.kind, create: (parts) => over.create({ ...parts, prefix }) },
      });
      const keys = Array.from({ length: 2_500 }, (_, at) => rig.key(at));
      await rig.machine.engine.writes.setMany(keys.map((key, at) => [key, at, rig.policy()] as const));
      const readings = await rig.backend.readMany(keys);
      expect(readings.map(({ entry }) => entry?.value)).toEqual(keys.map((_, at) => at));
      expect(most).toBe(1_000);
    });

    it('a check that fails is no answer: the copy is not served', async () => {
      const proxy = await TcpProxy.before(server.port);
      const b = await machine({ url: proxy.url, maxUnvalidated: 100, bus: false, timeout: '400ms' });
      await b.set('tom', 1);
      expect(await b.get('tom')).toBe(1);
      proxy.mode = 'blackhole';
      await pause(120);
      expect(await b.load('tom', async () => 'loaded')).toBe('loaded');
      await machines.close();
      await proxy.close();
    });
  });

  it('a check that fails leaves the next reader to what the server has behind it', async () => {
    const proxy = await TcpProxy.before(server.port);
    const fallback = memory();
    const b = await machine({ url: proxy.url, maxUnvalidated: 100, bus: false, timeout: '400ms', fallback });
    await b.set('tom', 1);
    expect(await b.get('tom')).toBe(1);
    proxy.mode = 'blackhole';
    await pause(120);
    let loads = 0;
    for (let call = 0; call < 4; call++) await b.load('tom', async () => ++loads);
    expect(loads).toBeLessThan(4);
    await machines.close();
    await proxy.close();
  });

  it('another server in its place: what was kept is forgotten', async () => {
    const own = await RedisProcess.start();
    const a = await machines.ready({ url: own.url, ...NEVER, bus: false });
    await a.set('tom', 1);
    expect(await levelOf(a, 'tom')).toBe('l1');
    await own.restart();
    await until('another server', async () => (await firstLevelOf(a).catch(() => undefined))?.entries === 0);
    await machines.close();
    await own.stop();
  });

  it('reports how full the first level is, and whether its bus is up', async () => {
    const a = await machine();
    await a.set('tom', 1);
    await near(a, 'tom');
    const { kind, details } = await a.backend.info();
    expect(kind).toBe('tiered');
    expect(details).toMatchObject({ l1Entries: 1, bus: 'up' });
    expect(details?.['l1Bytes']).toBeGreaterThan(0);
    const b = await machine({ bus: false });
    expect(await firstLevelOf(b)).toEqual({ entries: 0, bus: 'off' });
  });

  it('counts the copies that take room: an invalid one counts until a lookup drops it', async () => {
    const [a, b] = [await machine(), await machine()];
    const tagged = { tags: ['red'] };
    for (const name of ['tom', 'kit']) {
      await b.set(name, 1, tagged);
      await near(a, name, tagged);
    }
    await b.invalidateTag('red');
    await until('the message', async () => (await a.get('tom', tagged)) === undefined);
    expect((await firstLevelOf(a)).entries).toBe(1);
    expect(await a.get('kit', tagged)).toBeUndefined();
    expect((await firstLevelOf(a)).entries).toBe(0);
    await b.set('old', 1, { ttl: '1s' });
    await near(a, 'old');
    await pause(1_050);
    expect((await firstLevelOf(a)).entries).toBe(1);
    // Each that comes looks at some of those that are there.
    await b.set('new', 1);
    await near(a, 'new');
    expect((await firstLevelOf(a)).entries).toBe(1);
  });
});
