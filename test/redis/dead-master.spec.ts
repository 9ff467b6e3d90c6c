/**
 * Three masters without replicas, of which one dies or hangs: what the other two keep is served and removed as before, what
 * it keeps is loaded from the source, and what it was not told it is told before any caller reads there again.
 */
import { expect, jest } from '@jest/globals';
import { Cluster, type ClusterOptions } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis-5';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { EVERY_KEY } from '../../lib/backends/remote/index-scan.js';
import { systemClock } from '../../lib/core/clock.js';
import { CacheError, InvalidationUnknownError } from '../../lib/core/errors.js';
import { isNear, near, TieredMachines } from '../support/bus/tiered-machines.js';
import { errorOf } from '../support/machine/rig.js';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { Machines } from '../support/redis/machines.js';
import { until, type RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(90_000);

type Machine = Awaited<ReturnType<Machines['ready']>>;

const TENANTS = Array.from({ length: 12 }, (_, at) => `t${at}`);
const BACK_MS = 30_000;
/** Half of what a walk took that waited for one new connection after another. */
const LATE_MS = 6_000;
/** One of the application that gives a silent connection up, as ours does. */
const WATCHFUL: ClusterOptions = { redisOptions: { socketTimeout: 1_000 } };

interface Divided {
  /** Tenants whose master is the one that will die. */
  readonly own: readonly string[];
  readonly others: readonly string[];
  readonly master: RedisProcess;
}

/** Machines of one level, and of two. */
class Stage extends Machines {
  readonly nearby = new TieredMachines();

  override async close(): Promise<void> {
    await Promise.all([super.close(), this.nearby.close()]);
  }
}

describeWithRedis('a cluster of which one master is dead', () => {
  const here = ownOfEachTest(() => new Stage());
  const start = async (): Promise<RedisCluster> => {
    const cluster = await RedisCluster.start({ 'cluster-require-full-coverage': 'no' }, 0);
    here().ends.push(() => cluster.stop());
    return cluster;
  };

  const HOW: Record<'killed' | 'halted', (master: RedisProcess) => Promise<void>> = {
    killed: (master) => master.kill(),
    halted: async (master) => master.halt(),
  };
  const masterOf = async (cluster: RedisCluster, partition: string): Promise<RedisProcess> =>
    cluster.node((await cluster.masterOf(await cluster.slotOf(`{${partition}}`))).port);

  async function divided(cluster: RedisCluster, rig: Machine): Promise<Divided> {
    const keepers = new Map<string, RedisProcess>();
    for (const tenant of TENANTS)
      keepers.set(tenant, await masterOf(cluster, rig.key('cat', { tenant }).space.partition));
    const master = keepers.get('t0') as RedisProcess;
    const of = (isOwn: boolean): string[] => TENANTS.filter((tenant) => (keepers.get(tenant) === master) === isOwn);
    return { own: of(true), others: of(false), master };
  }

  const clients: [string, 'killed' | 'halted', (cluster: RedisCluster) => RedisOptions][] = [
    [
      'a client of ioredis 5',
      'killed',
      ({ startNodes }) => ({ client: adopted(startNodes, Cluster5 as unknown as typeof Cluster) }),
    ],
    ['a client of ioredis 6', 'killed', ({ startNodes }) => ({ client: adopted(startNodes, Cluster) })],
    ['a client of ours', 'halted', ({ startNodes }) => ({ cluster: startNodes })],
  ];
  function adopted(nodes: RedisCluster['startNodes'], make: typeof Cluster, options: ClusterOptions = {}): Cluster {
    const client = new make(nodes, options);
    here().ends.push(() => client.disconnect());
    return client;
  }

  itConcurrent.each(clients)(
    'A79: with one dead master of three the tenants of the others keep their hits and evictions: %s, it is %s',
    async (_, how, options) => {
      const cluster = await start();
      const rig = await here().machines.ready(options(cluster));
      const { own, others, master } = await divided(cluster, rig);
      for (const tenant of TENANTS) for (const name of ['cat', 'hen', 'ram']) await rig.set(name, tenant, { tenant });
      await master.command('SAVE');
      await HOW[how](master);
      // The client does not know yet, and neither do we.
      await expect(rig.evict('hen', { tenant: own[0] as string })).rejects.toBeInstanceOf(InvalidationUnknownError);
      for (let round = 0; round < 5; round++) {
        for (const tenant of own) expect(await rig.load('cat', () => 'loaded', { tenant })).toBe('loaded');
        for (const tenant of others) {
          expect(await rig.load('cat', () => 'loaded', { tenant })).toBe(tenant);
          expect(await rig.evict('dog', { tenant })).toBe(round === 0 ? 0 : 1);
          await rig.invalidateTag('red', { tenant });
          await rig.load('dog', () => round, { tenant });
          expect(await rig.get('dog', { tenant })).toBe(round);
        }
      }
      const place = `127.0.0.1:${master.port}`;
      await until('it is told', () => rig.log.some((line) => line.includes(`${place} does not answer`)));
      await master.restart();
      const seen = new Set<unknown>();
      await until(
        'it is used again',
        async () => {
          seen.add(await rig.get('hen', { tenant: own[0] as string }));
          return (await rig.get('ram', { tenant: own[0] as string })) === own[0];
        },
        BACK_MS,
      );
      seen.add(await rig.get('hen', { tenant: own[0] as string }));
      expect([...seen]).toEqual([undefined]);
      expect(rig.log.filter((line) => line.includes('does not answer'))).toHaveLength(1);
      expect(rig.log.filter((line) => line.includes(`${place} answers again`))).toHaveLength(1);
    },
  );

  const watchful: [string, (cluster: RedisCluster) => RedisOptions][] = [
    [
      'a client of ioredis 5',
      ({ startNodes }) => ({ client: adopted(startNodes, Cluster5 as unknown as typeof Cluster, WATCHFUL) }),
    ],
    ['a client of ioredis 6', ({ startNodes }) => ({ client: adopted(startNodes, Cluster, WATCHFUL) })],
    ['a client of ours', ({ startNodes }) => ({ cluster: startNodes })],
  ];

  itConcurrent.each(watchful)(
    'A79: with one hung master of three a walk over what it keeps ends with its connection, not with longTimeout: %s',
    async (_, options) => {
      const cluster = await start();
      const rig = await here().machines.ready({ ...options(cluster), longTimeout: '60s' });
      const { own, others, master } = await divided(cluster, rig);
      const [tenant, other] = [own[0] as string, others[0] as string];
      for (const each of TENANTS) for (const name of ['cat', 'hen']) await rig.set(name, 'old', { tenant: each });
      master.halt();
      const list = (of: string) => rig.backend.scan({ view: rig.view({ tenant: of }), match: EVERY_KEY }, undefined);
      const walks = [
        rig.clear({ tenant }),
        rig.removeMatching('h*', { tenant }),
        list(tenant),
        rig.backend.usage(undefined),
      ].map((walk) => errorOf(Promise.resolve(walk)));
      expect((await list(other)).keys).toHaveLength(2);
      expect(await rig.removeMatching('h*', { tenant: other })).toBe(1);
      expect(await rig.clear({ tenant: other })).toBe(1);
      // Of ten new connections each would have been waited for until it is given up.
      const late = systemClock.sleep(LATE_MS).then(() => 'late');
      const ends = await Promise.race([Promise.all(walks), late]);
      expect(ends).toEqual([
        expect.any(InvalidationUnknownError),
        expect.any(InvalidationUnknownError),
        expect.any(CacheError),
        expect.any(CacheError),
      ]);
      await master.restart();
      await until('it is used again', async () => (await rig.get('cat', { tenant })) === undefined, BACK_MS);
    },
  );

  itConcurrent.each(watchful)(
    'A105: one hung master of three does not keep ping and info from answering for the others: %s',
    async (_, options) => {
      const cluster = await start();
      const rig = await here().machines.ready(options(cluster));
      const { master } = await divided(cluster, rig);
      for (const tenant of TENANTS) await rig.set('cat', tenant, { tenant });
      const whole = await rig.backend.info();
      expect(whole.details).toMatchObject({ masters: 3 });
      master.halt();
      for (let round = 0; round < 3; round++) {
        await rig.backend.ping();
        const { entries, details } = await rig.backend.info();
        expect(details).toMatchObject({ masters: 3, missing: `127.0.0.1:${master.port}` });
        expect(entries).toBeGreaterThan(0);
        expect(entries).toBeLessThan(whole.entries);
      }
      await master.restart();
      const isWhole = async (): Promise<boolean> => !('missing' in ((await rig.backend.info()).details ?? {}));
      await until('it is counted again', isWhole, BACK_MS);
    },
  );

  itConcurrent(
    'A79: of a call to several masters the healthy part is done and confirmed, the rest is said and made up for',
    async () => {
      const cluster = await start();
      const options = { cluster: cluster.startNodes, shards: 4 };
      const [rig, other] = [await here().machines.ready(options), await here().machines.ready(options)];
      const { engine } = rig.machine;
      const tenants = await Promise.all(
        TENANTS.map(async (tenant) => {
          const { partition } = rig.key('cat', { tenant }).space;
          const all = await Promise.all([0, 1, 2, 3].map((number) => masterOf(cluster, `${partition}.${number}.4`)));
          return { tenant, all };
        }),
      );
      const { tenant, all } = tenants.find((each) => new Set(each.all).size > 1) as (typeof tenants)[0];
      const names = Array.from({ length: 24 }, (_, at) => `k${at}`);
      const keys = names.map((name) => rig.key(name, { tenant }));
      const fill = (value: unknown) =>
        Promise.allSettled(names.map((name) => rig.set(name, value, { tenant, tags: ['red'] })));
      const readable = async (): Promise<ReadonlySet<number>> => {
        const values = await engine.getMany(keys.map((key) => ({ key, policy: rig.policy(), frame: undefined })));
        return new Set(values.flatMap((value, at) => (value === undefined ? [] : [at])));
      };
      const elsewhere = async (): Promise<unknown[]> => Promise.all(names.map((name) => other.get(name, { tenant })));
      await fill('old');
      expect((await readable()).size).toBe(names.length);
      const [master] = all as [RedisProcess];
      await master.command('SAVE');
      await master.kill();
      const served = await readable();
      expect(served.size).toBeGreaterThan(0);
      expect(served.size).toBeLessThan(names.length);
      const calls: [string, () => Promise<unknown>][] = [
        // First: later on it would be the circuit that refuses.
        ['everything', async () => rig.backend.clearEverything()],
        ['a namespace of all tenants', () => rig.clearEverywhere()],
        ['deleteMany', () => engine.writes.evict(keys)],
        ['a tag', () => rig.invalidateTag('red', { tenant })],
        ['clear', () => rig.clear({ tenant })],
        ['a pattern', () => rig.removeMatching('k*', { tenant })],
      ];
      for (const [name, call] of calls) {
        await fill('new');
        expect([name, await readable()]).toEqual([name, served]);
        const error = await call().then(
          () => undefined,
          (reason: Error) => reason,
        );
        expect(error).toBeInstanceOf(CacheError);
        const cause = (error instanceof InvalidationUnknownError ? error.cause : error) as Error;
        expect([name, cause.message]).toEqual([
          name,
          expect.stringMatching(/[12] of [23] servers have done their part/),
        ]);
        expect([name, await elsewhere()]).toEqual([name, names.map(() => undefined)]);
      }
      await master.restart();
      const seen = new Set<unknown>();
      // What lies with the one that was dead.
      const lost = names.filter((_, at) => !served.has(at));
      await until(
        'it is used again',
        async () => {
          for (const name of lost) seen.add(await rig.get(name, { tenant }));
          return engine.writes.set(rig.key(lost[0], { tenant }), 'again', rig.policy({ failSilently: false })).then(
            () => true,
            () => false,
          );
        },
        BACK_MS,
      );
      expect([...seen]).toEqual([undefined]);
      expect(await elsewhere()).toEqual(names.map((name) => (name === lost[0] ? 'again' : undefined)));
    },
  );

  itConcurrent.each(['broadcast', 'sharded'] as const)(
    'A79: with one dead master of three, copies of tenants of the others stay served and are heard of: %s',
    async (pubSub) => {
      const cluster = await start();
      const options = { cluster: cluster.startNodes, pubSub, maxUnvalidated: '1h', bus: { heartbeat: 200 } } as const;
      const [rig, other] = [await here().machines.nearby.ready(options), await here().machines.nearby.ready(options)];
      const { own, others, master } = await divided(cluster, rig);
      for (const tenant of TENANTS) await rig.set('cat', tenant, { tenant });
      for (const tenant of TENANTS) await near(other, 'cat', { tenant });
      await master.kill();
      for (const tenant of own) expect(await rig.load('cow', () => 'loaded', { tenant })).toBe('loaded');
      // The connection that listens may have led to it.
      for (const tenant of others) await near(other, 'cat', { tenant });
      for (let round = 0; round < 20; round++) {
        for (const tenant of own) await other.load('cow', () => 'loaded', { tenant });
        for (const tenant of others) expect([tenant, isNear(other, 'cat', { tenant })]).toEqual([tenant, true]);
      }
      const [first, second] = others as [string, string];
      await rig.evict('cat', { tenant: first });
      await until('it is heard of', async () => (await other.get('cat', { tenant: first })) === undefined);
      expect(isNear(other, 'cat', { tenant: second })).toBe(true);
    },
  );

  itConcurrent('A79: a fallback keeps what a dead master cannot, while the others answer', async () => {
    const cluster = await start();
    const rig = await here().machines.ready({ cluster: cluster.startNodes, fallback: memory() });
    const { own, others, master } = await divided(cluster, rig);
    const [tenant, other] = [own[0] as string, others[0] as string];
    for (const each of [tenant, other]) await rig.set('cat', 'old', { tenant: each });
    await master.kill();
    await rig.load('cat', () => 'loaded', { tenant });
    for (let round = 0; round < 5; round++) {
      expect(await rig.load('cat', () => round, { tenant })).toBe('loaded');
      expect(await rig.load('cat', () => round, { tenant: other })).toBe('old');
    }
    await master.restart();
    await until('it is used again', async () => (await rig.get('cat', { tenant })) === undefined, BACK_MS);
  });
});
