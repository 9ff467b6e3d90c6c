/** Two levels over a bus of their own: a process publishes its change after it has settled and before its caller continues. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redisBus } from '../../lib/backends/redis/pubsub/redis.bus.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { TieredOptions } from '../../lib/backends/tiered/options.js';
import { localBus } from '../../lib/bus/local.bus.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import type { BusFactory } from '../../lib/core/bus.js';
import type { Duration } from '../../lib/core/duration.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { CacheConfigError, CacheError } from '../../lib/core/errors.js';
import { History, worstOf } from '../history/support/history.js';
import { play } from '../history/support/play.js';
import { RigSubject } from '../history/support/subject.js';
import { Gated } from '../support/bus/gated.js';
import { TieredMachines, caughtUp, firstLevelOf, isNear, levelOf, near } from '../support/bus/tiered-machines.js';
import { Rig } from '../support/machine/rig.js';
import { mongoHarness } from '../support/mongo/contract-harness.js';
import { mongoFactory, MongoMachines, type MongoMachineOptions } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { isAboutTheClient, proveContract } from '../support/servers/contract-harness.js';
import { pause, randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { timed } from '../support/time.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
const LONG_TIMEOUTS = { timeout: '10s', invalidationTimeout: '20s' } as const;
const HEARTBEAT = '300ms';
/** A history that is shorter proves little. */
const ENOUGH = { reads: 200, invalidations: 10 } as const;

/** Nothing is checked: copies are dropped by messages, and by knowing that messages are missing. */
const over =
  (via: BusFactory, maxUnvalidated: TieredOptions['maxUnvalidated'] = '1h', heartbeat: Duration = HEARTBEAT) =>
  (l2: BackendFactory): BackendFactory =>
    tiered({ l1: memory(), l2, maxUnvalidated, bus: { via, heartbeat } });

const busOf = async (rig: Rig<Clock>): Promise<string> => (await firstLevelOf(rig)).bus;
const unannounced = async (rig: Rig<Clock>): Promise<unknown> => (await rig.backend.info()).details?.['unannounced'];

type Act = (rig: Rig<Clock>) => Promise<unknown>;
const CHANGES: [string, Act, unknown][] = [
  ['evicts', (rig) => rig.evict('tom'), undefined],
  ['stores', (rig) => rig.set('tom', 2), 2],
  [
    'stores many',
    (rig) => rig.machine.engine.writes.setMany(['kit', 'tom'].map((name) => [rig.key(name), 2, rig.policy()] as const)),
    2,
  ],
  ['invalidates a tag', (rig) => rig.invalidateTag('red'), undefined],
  ['clears', (rig) => rig.clear(), undefined],
  ['removes by a pattern', (rig) => rig.removeMatching('t*'), undefined],
  ['clears a namespace of all tenants', (rig) => rig.clearEverywhere(), undefined],
  ['clears everything', async (rig) => rig.backend.clearEverything(), undefined],
  ['adds to it', (rig) => rig.machine.engine.writes.increment(rig.key('tom'), 2, rig.policy()), 3],
];

describeWithRedis('buses as values', () => {
  describeWithMongo('over MongoDB', () => {
    let redisServer: RedisProcess;
    let cluster: RedisCluster;
    let server: MongoProcess;
    let machines: MongoMachines;
    beforeAll(async () => {
      [redisServer, cluster, server] = await Promise.all([
        RedisProcess.start(),
        RedisCluster.start(),
        MongoProcess.start(),
      ]);
    });
    beforeEach(() => {
      machines = new MongoMachines();
    });
    afterEach(() => machines.close());
    afterAll(() => Promise.all([redisServer.stop(), cluster.stop(), server.stop()]));

    const machine = (via: BusFactory, options: Partial<MongoMachineOptions> = {}): Promise<Rig<Clock>> =>
      machines.ready({ uri: server.url, collection: machines.prefix, ...LONG_TIMEOUTS, over: over(via), ...options });
    /** For tests that say what stays: on a busy machine a sign of life may be late, and copies would go. */
    const unhurried = (via: BusFactory): Promise<Rig<Clock>> => machine(via, { over: over(via, '1h', '1m') });
    const byRedis = (): BusFactory => redisBus({ url: redisServer.url });

    const BUSES: [string, () => () => BusFactory][] = [
      ['Redis', () => byRedis],
      ['a Redis Cluster', () => () => redisBus({ cluster: cluster.startNodes })],
      [
        'the process itself',
        () => {
          const bus = localBus();
          return () => bus;
        },
      ],
    ];
    describe.each(BUSES)('by %s', (_, busOfTest) => {
      it.each(CHANGES)('what one %s the others do not answer any more, once it has', async (_change, act, now) => {
        const bus = busOfTest();
        const [a, b] = [await machine(bus()), await machine(bus())];
        await a.set('tom', 1, { tags: ['red'] });
        await caughtUp(a, b);
        await near(b, 'tom');
        await act(a);
        // Redis has passed it on by then; how long it takes to arrive is its own affair.
        await until('the message', async () => (await b.get('tom')) === now);
      });

      it('everything else stays, and what one has stored it keeps itself', async () => {
        const bus = busOfTest();
        const [a, b] = [await unhurried(bus()), await unhurried(bus())];
        await a.set('tom', 1, { tags: ['red'] });
        await a.set('kit', 1, { tags: ['blue'] });
        await a.set('max', 1, { tenant: 'beta' });
        await caughtUp(a, b);
        for (const rig of [a, b]) {
          await near(rig, 'kit');
          await near(rig, 'max', { tenant: 'beta' });
        }
        await a.invalidateTag('red');
        await a.evict('tom');
        await a.load('moritz', async () => 1);
        await a.removeMatching('*', { tenant: 'gamma' });
        await a.clearEverywhere({ namespace: 'dogs' });
        await caughtUp(a, b);
        expect(await b.get('tom')).toBeUndefined();
        for (const rig of [a, b]) {
          expect(await levelOf(rig, 'kit')).toBe('l1');
          expect(await levelOf(rig, 'max', { tenant: 'beta' })).toBe('l1');
        }
        expect(await levelOf(a, 'moritz')).toBe('l1');
        expect(await busOf(b)).toBe('up');
        expect(await unannounced(a)).toBe(0);
      });

      it('caches of another keyspace receive nothing', async () => {
        const bus = busOfTest();
        const a = await machine(bus());
        const options = { uri: server.url, collection: machines.prefix, ...LONG_TIMEOUTS, over: over(bus()) };
        const other = await machines.ready(options, undefined, `${machines.prefix}x`);
        await a.set('tom', 1);
        await near(a, 'tom');
        await other.backend.clearEverything();
        await caughtUp(await machine(bus()), a);
        expect(isNear(a, 'tom')).toBe(true);
      });
    });

    it('a change is published when it has settled, not before: other processes would read the old value again', async () => {
      const gates: Gated[] = [];
      const gated =
        (via: BusFactory) =>
        (l2: BackendFactory): BackendFactory => {
          const gate = new Gated(l2);
          gates.push(gate);
          return over(via)(gate);
        };
      const bus = localBus();
      const a = await machine(bus, { over: gated(bus) });
      const b = await machine(bus);
      await a.set('tom', 1);
      await near(b, 'tom');
      gates[0]?.holdRequest('evict');
      const evicted = a.evict('tom');
      await pause(50);
      await near(b, 'tom');
      gates[0]?.release('evict');
      await evicted;
      expect(isNear(b, 'tom')).toBe(false);
      expect(await b.get('tom')).toBeUndefined();
    });

    it('a new process does not make the others forget, and neither does one that leaves', async () => {
      const [a, c] = [await machine(byRedis()), await machine(byRedis())];
      await a.set('tom', 1);
      await near(a, 'tom');
      const b = await machine(byRedis());
      await b.set('kit', 1);
      await b.evict('kit');
      await b.machine.close();
      await caughtUp(c, a);
      expect(isNear(a, 'tom')).toBe(true);
    });

    describe('a bus that fails', () => {
      let proxies: TcpProxy[];
      beforeEach(() => {
        proxies = [];
      });
      afterEach(async () => {
        await machines.close();
        await Promise.all(proxies.map((proxy) => proxy.close()));
      });
      const behind = async (): Promise<[BusFactory, TcpProxy]> => {
        const proxy = await TcpProxy.before(redisServer.port);
        proxies.push(proxy);
        return [redisBus({ url: proxy.url }), proxy];
      };

      it('is killed: copies go, calls go on and nothing fails; then it is back', async () => {
        const own = await RedisProcess.start();
        try {
          const bus = redisBus({ url: own.url });
          const [a, b] = [await machine(bus), await machine(bus)];
          await a.set('tom', 1);
          await caughtUp(a, b);
          await near(b, 'tom');
          await own.kill();
          await until('the gap is noticed', () => !isNear(b, 'tom'));
          expect(await busOf(b)).toBe('down');
          expect(await b.get('tom')).toBe(1);
          const { tookMs } = await timed(async () => {
            await a.set('tom', 2);
            await a.evict('kit');
          });
          expect(tookMs).toBeLessThan(2_000);
          expect(await b.get('tom')).toBe(2);
          expect(await b.load('max', async () => 'loaded')).toBe('loaded');
          expect(await unannounced(a)).toBeGreaterThan(0);
          await own.begin();
          for (const rig of [a, b]) await until('it is back', async () => (await busOf(rig)) === 'up');
          await near(b, 'tom');
          await a.evict('tom');
          await until('the message', async () => (await b.get('tom')) === undefined);
          const warnings = a.recorded.events.filter(({ type }) => type === 'warning');
          expect(warnings.length).toBeGreaterThan(0);
          expect(warnings.length).toBeLessThan(6);
        } finally {
          await machines.close();
          await own.stop();
        }
      });

      it('hangs: a call that changes something waits for a moment, not for ever', async () => {
        const own = await RedisProcess.start();
        try {
          const bus = redisBus({ url: own.url });
          const a = await machine(bus);
          await a.set('tom', 1);
          own.halt();
          const { tookMs } = await timed(() => a.set('tom', 2));
          expect(tookMs).toBeLessThan(2_000);
          await until('silence is noticed', async () => (await busOf(a)) === 'down');
          own.resume();
          await until('it is back', async () => (await busOf(a)) === 'up');
        } finally {
          own.resume();
          await machines.close();
          await own.stop();
        }
      });

      it('only the subscribed connection is cut: nothing from before is served', async () => {
        const [a, b] = [await machine(byRedis()), await machine(byRedis())];
        await a.set('tom', 1);
        await caughtUp(a, b);
        await near(b, 'tom');
        await redisServer.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await until('the gap is noticed', async () => (await busOf(b)) !== 'up' || !isNear(b, 'tom'));
        await until('it is back', async () => (await busOf(b)) === 'up');
        await a.set('tom', 2);
        await until('the message', async () => (await b.get('tom')) === 2);
      });

      it('what could not be announced is announced when the bus is back', async () => {
        const [bus, proxy] = await behind();
        const [a, b] = [await machine(bus), await machine(byRedis())];
        await a.set('tom', 1);
        await caughtUp(a, b);
        await near(b, 'tom');
        proxy.mode = 'refuse';
        proxy.reset();
        await until('it is away', async () => (await busOf(a)) === 'down');
        await a.evict('tom');
        expect(await unannounced(a)).toBeGreaterThan(0);
        expect(isNear(b, 'tom')).toBe(true);
        proxy.mode = 'pass';
        await until('b hears of it', async () => (await b.get('tom')) === undefined, 20_000);
      });

      it('a number left out drops everything, since it may have been about any partition', async () => {
        const [a, b] = [await machine(byRedis()), await machine(byRedis())];
        await a.set('tom', 1, { tenant: 'beta' });
        await caughtUp(a, b, { tenant: 'beta' });
        await near(b, 'tom', { tenant: 'beta' });
        const say = (sequence: number): Promise<unknown> =>
          redisServer.command('PUBLISH', `${machines.prefix}:1:bus`, `1|t.acme|forger|e|1|forger|${sequence}`);
        for (const sequence of [1, 2, 3]) await say(sequence);
        await caughtUp(a, b);
        expect(await levelOf(b, 'tom', { tenant: 'beta' })).toBe('l1');
        await say(5);
        await until('it goes', async () => (await levelOf(b, 'tom', { tenant: 'beta' })) === 'l2');
      });

      it('junk is no message', async () => {
        const [a, b] = [await machine(byRedis()), await machine(byRedis())];
        await a.set('tom', 1);
        await caughtUp(a, b);
        await near(b, 'tom');
        const junk = ['', 'x', '1|*|o|a|', '1|**|o|a||life|1', '1|*|o|q||life|1', '*', '|'.repeat(4_000), 'h|stolen|'];
        for (const text of junk) await redisServer.command('PUBLISH', `${machines.prefix}:1:bus`, text);
        await caughtUp(a, b);
        expect(isNear(b, 'tom')).toBe(true);
        await a.evict('tom');
        await until('the message', async () => (await b.get('tom')) === undefined);
      });

      it('an invalidation that settles late is announced when it has', async () => {
        const proxy = await TcpProxy.before(Number(new URL(server.url).port));
        proxies.push(proxy);
        const uri = `mongodb://127.0.0.1:${proxy.port}/test`;
        const a = await machine(byRedis(), { uri, timeout: '600ms', invalidationTimeout: '700ms', pause: '200ms' });
        const b = await machine(byRedis());
        await a.set('tom', 1);
        await caughtUp(a, b);
        await near(b, 'tom');
        proxy.mode = 'refuse';
        proxy.reset();
        await expect(a.evict('tom')).rejects.toThrow(CacheError);
        // It was published all the same, since the outcome was unknown; and a check finds that the entry is still there.
        await near(b, 'tom');
        proxy.mode = 'pass';
        await until('it has settled, and b knows', () => !isNear(b, 'tom'), 20_000);
        await until('it is gone', async () => (await b.get('tom')) === undefined);
      });
    });

    it('needs the rights that the guide names, and no others', async () => {
      const channel = `&${machines.prefix}:1:bus`;
      const rights = ['resetchannels', channel, '-@all', '+publish', '+subscribe', '+info', '+hello', '+auth'];
      await redisServer.command('ACL', 'SETUSER', 'bus', 'on', '>secret', 'resetkeys', ...rights);
      const bus = redisBus({ url: redisServer.url, username: 'bus', password: 'secret' });
      const [a, b] = [await machine(bus), await machine(bus)];
      await a.set('tom', 1);
      await caughtUp(a, b);
      await near(b, 'tom');
      await a.evict('tom');
      await until('the message', async () => (await b.get('tom')) === undefined);
      expect(await redisServer.command('ACL', 'LOG')).toEqual([]);
      expect(a.recorded.events.filter(({ type }) => type === 'warning')).toEqual([]);
    });

    it('goes with an application that cannot start', async () => {
      const [own, nowhere] = await Promise.all([RedisProcess.start(), MongoProcess.nowhere()]);
      const connections = async (): Promise<number> =>
        String(await own.command('CLIENT', 'LIST'))
          .split('\n')
          .filter((line) => line !== '').length;
      try {
        const options = { uri: nowhere.url, requireOnBoot: true, connectTimeout: '600ms' } as const;
        const rig = machines.on({ ...options, over: over(redisBus({ url: own.url })) });
        await until('it is connected', async () => (await connections()) > 1);
        await expect(Promise.resolve(rig.backend.open?.())).rejects.toThrow(CacheError);
        await until('it has left', async () => (await connections()) === 1);
      } finally {
        await Promise.all([own.stop(), nowhere.stop()]);
      }
    });

    it('takes a client of yours, and leaves it open', async () => {
      const client = new Redis(redisServer.url);
      try {
        const bus = redisBus({ client });
        const [a, b] = [await machine(bus), await machine(bus)];
        await a.set('tom', 1);
        await caughtUp(a, b);
        await near(b, 'tom');
        await a.evict('tom');
        await until('the message', async () => (await b.get('tom')) === undefined);
        await machines.close();
        expect(await client.ping()).toBe('PONG');
        expect(client.listenerCount('error')).toBe(0);
      } finally {
        client.disconnect();
      }
    });

    it('leaves nothing with a client of yours that cannot send it', async () => {
      const own = await RedisProcess.start();
      const client = new Redis(own.url, { maxRetriesPerRequest: null });
      client.on('error', () => undefined);
      const waiting = (): number => (client as unknown as { offlineQueue: { length: number } }).offlineQueue.length;
      try {
        const a = await machine(redisBus({ client }));
        await own.stop();
        await until('it is away', () => client.status !== 'ready');
        for (let n = 0; n < 20; n++) await a.set('tom', n);
        expect(waiting()).toBe(0);
        expect(await unannounced(a)).toBeGreaterThanOrEqual(20);
      } finally {
        await machines.close();
        client.disconnect();
        await own.stop();
      }
    });

    describe('keep the contract of backends', () => {
      proveContract(
        mongoHarness(() => ({ uri: server.url, over: over(byRedis()) }), true),
        isAboutTheClient,
      );
    });

    it('no read returns what was invalidated longer ago than copies are served without a check', async () => {
      const prefix = randomPrefix();
      const options = { uri: server.url, collection: prefix, prefix, timeout: '400ms', failures: 20 } as const;
      const proxy = await TcpProxy.before(redisServer.port);
      const rigs = [proxy.url, redisServer.url].map(
        (url) =>
          new Rig({
            backend: mongoFactory({ ...options, over: over(redisBus({ url }), 100) }),
            clock: systemClock,
            isHeard: false,
            limits: { lease: '500ms' },
          }),
      );
      await Promise.all(rigs.map((rig) => rig.backend.open?.()));
      const timer = setInterval(() => proxy.reset(), 900);
      const history = new History(() => performance.now());
      await play({
        subjects: rigs.map((rig) => new RigSubject(rig)),
        seed: 1,
        callers: 24,
        durationMs: 1_500,
        atLeast: ENOUGH,
        isExpected: (error) => error instanceof CacheError,
        history,
      });
      clearInterval(timer);
      await Promise.all(rigs.map((rig) => rig.machine.close()));
      await proxy.close();
      const stale = history.violations(150).slice(0, 1);
      expect({ stale, worstMs: worstOf(history.violations()) }).toEqual({ stale: [], worstMs: expect.any(Number) });
      expect(history.reads.length).toBeGreaterThan(ENOUGH.reads);
      expect(history.invalidations.length).toBeGreaterThan(ENOUGH.invalidations);
    });
  });

  describe('over Redis', () => {
    it('the bus takes the place of what the server announces', async () => {
      const [one, other] = await Promise.all([RedisProcess.start(), RedisProcess.start()]);
      const machines = new TieredMachines();
      try {
        const options = { url: one.url, maxUnvalidated: '1h', bus: { via: redisBus({ url: other.url }) } } as const;
        const [a, b] = [await machines.ready(options), await machines.ready(options)];
        await a.set('tom', 1);
        await caughtUp(a, b);
        await near(b, 'tom');
        expect(await one.command('PUBSUB', 'CHANNELS')).toEqual([]);
        expect(await other.command('PUBSUB', 'CHANNELS')).toEqual([`${machines.prefix}:1:bus`]);
        await a.evict('tom');
        await until('the message', async () => (await b.get('tom')) === undefined);
      } finally {
        await machines.close();
        await Promise.all([one.stop(), other.stop()]);
      }
    });
  });
});

describe('options of buses', () => {
  it.each([
    [() => redisBus({ url: 'http://x' }), 'redisBus.url'],
    [() => redisBus({ url: 'redis://x:99999999' }), 'redisBus.url'],
    [() => redisBus({ url: 'redis://x', host: 'y' }), 'redisBus'],
    [() => redisBus({ url: 'redis://x', cluster: [{ host: 'x' }] }), 'redisBus'],
    [() => redisBus({ sentinels: [] }), 'redisBus.name'],
    [() => redisBus('redis://x' as never), 'redisBus'],
  ])('are checked when they are given', (make, option) => {
    expect(make).toThrow(expect.objectContaining({ option }));
    expect(make).toThrow(CacheConfigError);
  });

  it('a bus in the place of its options is refused, with where it belongs', () => {
    const make = (): unknown => tiered({ l1: memory(), l2: levelTwo, bus: localBus() as never });
    expect(make).toThrow('tiered.bus: is a bus itself: say bus: { via: … } around it');
  });

  it.each([{}, null, 'redis', () => undefined])('a bus must be one: %p', (via) => {
    const make = (): unknown => tiered({ l1: memory(), l2: levelTwo, bus: { via: via as never } });
    expect(make).toThrow(expect.objectContaining({ option: 'tiered.bus.via' }));
  });
});

const levelTwo = { kind: 'x', create: () => undefined, asSecondLevel: () => undefined } as never;
