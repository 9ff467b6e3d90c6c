/** A cluster that moves: masters that go, slots that travel. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { Cluster } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis-5';
import { CacheError, InvalidationUnknownError } from '../../lib/core/errors.js';
import { itConcurrent, ownOfEachTest } from '../support/own.js';
import { cli, RedisCluster } from '../support/redis/redis-cluster.js';
import { Machines, timed } from '../support/redis/machines.js';
import { pause, randomPrefix, until, type RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(90_000);

/** The nodes give each other a second; how long they take to agree on a master after that is up to the machine. */
const TAKEOVER_MS = 45_000;

/** Masters are asked once a second whose data they hold; and what a busy machine adds to that. */
const LOOKS_MS = 4_000;

type Machine = Awaited<ReturnType<Machines['ready']>>;

/** Readers and writers of versions at work; what was stale, what failed, and how long the longest took. */
class Traffic {
  version = 1;
  stale = 0;
  failed = 0;
  unconfirmed = 0;
  longestMs = 0;
  reads = 0;
  private isOver = false;
  private readonly workers: Promise<void>[];

  constructor(
    private readonly rig: Machine,
    private readonly tenants: readonly string[],
  ) {
    this.workers = [...tenants.map((tenant) => this.read(tenant)), this.write()];
  }

  /** May be said twice. */
  async end(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.workers);
  }

  /** What loaders find. */
  private readonly source = new Map<string, number>();
  /** What no reader may find less than. */
  private readonly versions = new Map<string, number>();

  private async read(tenant: string): Promise<void> {
    while (!this.isOver) {
      const least = this.versions.get(tenant) ?? 0;
      try {
        const { answer, tookMs } = await timed(() =>
          this.rig.load('cat', async () => this.source.get(tenant) ?? 0, { tenant, tags: ['red'] }),
        );
        if (answer < least) this.stale++;
        this.longestMs = Math.max(this.longestMs, tookMs);
      } catch {
        this.failed++;
      }
      this.reads++;
      await pause(10);
    }
  }

  /** A version counts once its invalidation is confirmed. */
  private async write(): Promise<void> {
    while (!this.isOver) {
      const tenant = this.tenants[this.version % this.tenants.length] as string;
      const version = ++this.version;
      this.source.set(tenant, version);
      try {
        await (version % 2 === 0 ? this.rig.evict('cat', { tenant }) : this.rig.invalidateTag('red', { tenant }));
        this.versions.set(tenant, version);
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        this.unconfirmed++;
      }
      await pause(12);
    }
  }
}

/** Machines, and the traffic on them, which ends first: also that of a test that failed. */
class Stage extends Machines {
  readonly traffics: Traffic[] = [];

  override async close(): Promise<void> {
    await Promise.all(this.traffics.splice(0).map((traffic) => traffic.end()));
    await super.close();
  }
}

describeWithRedis('a cluster', () => {
  const here = ownOfEachTest(() => new Stage());
  /** One that tests may share, as they leave every node where it is. */
  let shared: RedisCluster;
  beforeAll(async () => {
    shared = await RedisCluster.start();
  });
  afterAll(() => shared.stop());
  const start = async (): Promise<RedisCluster> => {
    const cluster = await RedisCluster.start();
    here().ends.push(() => cluster.stop());
    return cluster;
  };

  const tenants = ['acme', 'beta', 'gamma', 'delta', 'eps', 'zeta', 'eta', 'theta'];
  const trafficOn = (rig: Machine): Traffic => {
    const traffic = new Traffic(rig, tenants);
    here().machines.traffics.push(traffic);
    return traffic;
  };
  const slotOf = (cluster: RedisCluster, rig: Machine, tenant: string): Promise<number> => {
    const { space } = rig.key('cat', { tenant });
    return cluster.slotOf(`${here().machines.prefix}:2:{${space.partition}}:m`);
  };

  it('A32: while slots travel, no read fails and none is stale', async () => {
    const cluster = shared;
    const rig = await here().machines.ready({ cluster: cluster.startNodes });
    const slot = await slotOf(cluster, rig, 'acme');
    const { master } = await cluster.keeperOf(slot);
    const facts = await cluster.facts();
    const from = facts.find(({ port }) => port === master.port);
    const to = facts.find(({ isMaster, port }) => isMaster && port !== master.port);
    const traffic = trafficOn(rig);
    await pause(200);
    await cli(
      ...['--cluster', 'reshard', `127.0.0.1:${master.port}`, '--cluster-from', from?.id ?? ''],
      ...['--cluster-to', to?.id ?? '', '--cluster-slots', '1500', '--cluster-yes', '--cluster-pipeline', '50'],
    );
    await pause(300);
    await traffic.end();
    expect(traffic).toMatchObject({ stale: 0, failed: 0 });
    expect(traffic.reads).toBeGreaterThan(100);
    const errors = rig.recorded.of('error').map(({ error }) => error.message);
    expect(errors.filter((message) => /CROSSSLOT/.test(message))).toEqual([]);
    await cluster.settled();
  });

  it('A31: a failover by hand is not noticed by readers', async () => {
    const cluster = shared;
    const rig = await here().machines.ready({ cluster: cluster.startNodes });
    const { replica } = await cluster.keeperOf(await slotOf(cluster, rig, 'acme'));
    const traffic = trafficOn(rig);
    await pause(200);
    await replica.command('CLUSTER', 'FAILOVER');
    await until('the replica is master', async () => (await replica.role()) === 'master');
    await pause(1_000);
    await traffic.end();
    expect(traffic).toMatchObject({ stale: 0, failed: 0 });
    expect(traffic.longestMs).toBeLessThan(1_500);
    await cluster.settled();
  });

  it('A69: what was removed at the successor of a demoted master is served by neither', async () => {
    const cluster = shared;
    const options = { cluster: cluster.startNodes };
    const rig = await here().machines.ready(options);
    const other = await here().machines.ready(options);
    await rig.set('cat', 'old');
    const { replica } = await cluster.keeperOf(await slotOf(cluster, rig, 'acme'));
    await replica.command('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await until('the replica is master', async () => (await replica.role()) === 'master');
    await cluster.settled();
    // One that meets the successor in this very moment is told that its outcome is unknown.
    const evicted = () => other.evict('cat').then(Boolean, () => false);
    await until('the eviction is confirmed', async () => (await evicted()) || (await other.get('cat')) === undefined);
    for (let round = 0; round < 100; round++) {
      expect(await rig.get('cat')).toBeUndefined();
      await pause(5);
    }
  });

  it.each([
    ['5', Cluster5 as unknown as typeof Cluster],
    ['6', Cluster],
  ])('is used by a client of ioredis %s that puts commands together by itself', async (_, make) => {
    const cluster = shared;
    const client = new make(cluster.startNodes, { enableAutoPipelining: true });
    try {
      const rig = await here().machines.ready({ client }, undefined, randomPrefix());
      const names = tenants.map((tenant) => rig.load('ant', () => tenant, { tenant, tags: ['red'] }));
      expect(await Promise.all(names)).toEqual(tenants);
      expect(await Promise.all(tenants.map((tenant) => rig.get('ant', { tenant })))).toEqual(tenants);
      await Promise.all(tenants.map((tenant) => rig.invalidateTag('red', { tenant })));
      expect(new Set(await Promise.all(tenants.map((tenant) => rig.get('ant', { tenant }))))).toEqual(
        new Set([undefined]),
      );
      await rig.set('bee', 'Rex');
      expect(await rig.backend.usage(rig.view())).toMatchObject({ entries: 1 });
      expect(await rig.clear()).toBe(1);
    } finally {
      client.disconnect();
    }
  });

  it('C19: clearing one tenant leaves the hits of others as they are', async () => {
    const cluster = shared;
    const rig = await here().machines.ready({ cluster: cluster.startNodes, shards: 4 });
    const names = Array.from({ length: 30 }, (_, index) => `k${index}`);
    for (const tenant of ['acme', 'beta']) for (const name of names) await rig.set(name, tenant, { tenant });
    let misses = 0;
    let isOver = false;
    const reading = (async () => {
      while (!isOver) {
        for (const name of names) if ((await rig.get(name, { tenant: 'beta' })) !== 'beta') misses++;
      }
    })();
    expect(await rig.clear({ tenant: 'acme' })).toBe(30);
    isOver = true;
    await reading;
    expect(misses).toBe(0);
    for (const name of names) expect(await rig.get(name, { tenant: 'acme' })).toBeUndefined();
  });

  itConcurrent(
    'A30: a master killed under load fails no read, and its replica is told the last invalidations',
    async () => {
      const cluster = await start();
      const rig = await here().machines.ready({ cluster: cluster.startNodes });
      const { master, replica } = await cluster.keeperOf(await slotOf(cluster, rig, 'acme'));
      const traffic = trafficOn(rig);
      await pause(300);
      await master.kill();
      await until('the replica has taken over', async () => (await replica.role()) === 'master', TAKEOVER_MS);
      await until(
        'evictions of all are confirmed',
        async () => {
          const all = await Promise.allSettled(tenants.map((tenant) => rig.evict('dog', { tenant })));
          return all.every(({ status }) => status === 'fulfilled');
        },
        TAKEOVER_MS,
      );
      await traffic.end();
      expect(traffic.failed).toBe(0);
      expect(traffic.longestMs).toBeLessThan(3_000);
    },
  );

  itConcurrent(
    'A30: an eviction that the next master never heard of is sent again before any caller reads',
    async () => {
      const cluster = await start();
      const rig = await here().machines.ready({ cluster: cluster.startNodes });
      const { master, replica } = await cluster.keeperOf(await slotOf(cluster, rig, 'acme'));
      await rig.set('cow', 'old', { tenant: 'acme' });
      await rig.set('hen', 'old', { tenant: 'acme', tags: ['red'] });
      await until('the replica has them', async () => Number(await replica.command('DBSIZE')) >= 5);
      // From here on nothing reaches the replica: it hangs, for less than would make it look dead, and what the master
      // says waits nowhere for it.
      replica.halt();
      await master.command('CLIENT', 'KILL', 'TYPE', 'replica');
      await rig.evict('cow', { tenant: 'acme' });
      await rig.invalidateTag('red', { tenant: 'acme' });
      await master.kill();
      replica.resume();
      const seen = new Set<unknown>();
      await until(
        'the replica has taken over, and is used',
        async () => {
          seen.add(await rig.get('cow', { tenant: 'acme' })).add(await rig.get('hen', { tenant: 'acme' }));
          await rig.load('probe', () => 1, { tenant: 'acme' });
          return (await replica.role()) === 'master' && (await rig.get('probe', { tenant: 'acme' })) === 1;
        },
        TAKEOVER_MS,
      );
      seen.add(await rig.get('cow', { tenant: 'acme' })).add(await rig.get('hen', { tenant: 'acme' }));
      expect([...seen]).toEqual([undefined]);
    },
  );

  itConcurrent('A79: what a master has not confirmed is said to its successor before any caller reads', async () => {
    const cluster = await start();
    const rig = await here().machines.ready({ cluster: cluster.startNodes });
    const { master, replica } = await cluster.keeperOf(await slotOf(cluster, rig, 'acme'));
    const names = ['cow', 'hen'];
    for (const name of names) await rig.set(name, 'old', { tenant: 'acme', tags: name === 'hen' ? ['red'] : [] });
    await until('the replica has them', async () => Number(await replica.command('DBSIZE')) >= 5);
    master.halt();
    await expect(rig.evict('cow', { tenant: 'acme' })).rejects.toBeInstanceOf(InvalidationUnknownError);
    await expect(rig.invalidateTag('red', { tenant: 'acme' })).rejects.toBeInstanceOf(InvalidationUnknownError);
    await replica.command('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await master.kill();
    const seen = new Set<unknown>();
    await until(
      'the successor is used',
      async () => {
        for (const name of names) seen.add(await rig.get(name, { tenant: 'acme' }));
        await rig.load('probe', () => 1, { tenant: 'acme' });
        return (await rig.get('probe', { tenant: 'acme' })) === 1;
      },
      TAKEOVER_MS,
    );
    for (const name of names) seen.add(await rig.get(name, { tenant: 'acme' }));
    expect([...seen]).toEqual([undefined]);
  });

  itConcurrent(
    'A3: a master started again with yesterday’s data is told the last invalidations before any caller reads',
    async () => {
      const cluster = await start();
      const rig = await here().machines.ready({ cluster: cluster.startNodes });
      const { master } = await cluster.keeperOf(await slotOf(cluster, rig, 'acme'));
      await rig.set('ewe', 'old', { tenant: 'acme' });
      await rig.set('ram', 'kept', { tenant: 'acme' });
      // Not while the server saves by itself, for a replica that joins.
      const saved = (): Promise<boolean> => master.command('SAVE').then(Boolean, () => false);
      await until('the data is saved', saved);
      await rig.evict('ewe', { tenant: 'acme' });
      expect(await rig.get('ewe', { tenant: 'acme' })).toBeUndefined();
      // Back before the others take it for dead, and before any caller asks.
      await master.restart();
      const seen = new Set<unknown>();
      await until(
        'it is used again',
        async () => {
          seen.add(await rig.get('ewe', { tenant: 'acme' }));
          return (await rig.get('ram', { tenant: 'acme' })) === 'kept';
        },
        TAKEOVER_MS,
      );
      seen.add(await rig.get('ewe', { tenant: 'acme' }));
      expect([...seen]).toEqual([undefined]);
    },
  );

  itConcurrent(
    'A76: a master that took the data of another, and is back before a call meets that, is told the last invalidations',
    async () => {
      const cluster = await start();
      const clients = [new Cluster(cluster.startNodes), new Cluster5(cluster.startNodes) as unknown as Cluster];
      try {
        const options = [{ cluster: cluster.startNodes }, ...clients.map((client) => ({ client }))];
        const rigs = await Promise.all(options.map((each) => here().machines.ready(each, undefined, randomPrefix())));
        const { master, replica } = await cluster.keeperOf(await slotOf(cluster, rigs[0] as Machine, 'acme'));
        const follows = async (node: RedisProcess, of: RedisProcess): Promise<boolean> =>
          String(await node.command('INFO')).includes('master_link_status:up') &&
          (await node.command('DBSIZE')) === (await of.command('DBSIZE'));
        await Promise.all(rigs.map((rig) => rig.set('cat', 'old', { tags: ['red'] })));
        await until('the replica has it', () => follows(replica, master));
        // They have been connected to it for as long as it takes to be asked whose data it holds.
        await pause(1_200);
        replica.halt();
        await master.command('CLIENT', 'KILL', 'TYPE', 'replica');
        await Promise.all(rigs.map((rig) => rig.invalidateTag('red')));
        // The replica takes over before it can hear of it. From here on nothing is asked of either.
        master.halt();
        replica.resume();
        await replica.command('CLUSTER', 'FAILOVER', 'TAKEOVER');
        master.resume();
        await until('the master follows it', () => follows(master, replica), TAKEOVER_MS);
        await master.command('CLUSTER', 'FAILOVER', 'TAKEOVER');
        await until('it is master again', async () => (await master.role()) === 'master', TAKEOVER_MS);
        await Promise.all(
          rigs.map((rig) => until('it is gone', async () => (await rig.get('cat')) === undefined, LOOKS_MS)),
        );
        for (let round = 0; round < 50; round++)
          expect(await Promise.all(rigs.map((rig) => rig.get('cat')))).toEqual([undefined, undefined, undefined]);
        await Promise.all(
          rigs.map((rig) =>
            until('it is used', async () => {
              await rig.load('ant', () => 'Ann');
              return (await rig.get('ant')) === 'Ann';
            }),
          ),
        );
      } finally {
        for (const client of clients) client.disconnect();
      }
    },
  );

  itConcurrent(
    'A34: a master cut off with a minority says so: evictions are rejected until it belongs to the cluster again',
    async () => {
      const cluster = await start();
      const rig = await here().machines.ready({ cluster: cluster.startNodes });
      const slot = await slotOf(cluster, rig, 'acme');
      const { master } = await cluster.keeperOf(slot);
      await rig.set('cow', 'old', { tenant: 'acme' });
      await rig.set('hen', 'kept', { tenant: 'acme' });
      // One that has lost its slots has no say, and may not have found a master of its own yet.
      const others = (await cluster.facts(master)).filter(
        ({ isMaster, slots, port }) => isMaster && /\d/.test(slots) && port !== master.port,
      );
      expect(others).toHaveLength(2);
      const halted = others.map(({ port }) => cluster.node(port));
      for (const node of halted) node.halt();
      const alone = async (): Promise<boolean> =>
        String(await master.command('CLUSTER', 'INFO')).includes('cluster_state:fail');
      // The timeout of a node is a second; then it has to find out that it is alone.
      await until('the master knows that it is alone', alone, TAKEOVER_MS);
      await expect(rig.evict('cow', { tenant: 'acme' })).rejects.toBeInstanceOf(InvalidationUnknownError);
      for (let round = 0; round < 10; round++) {
        const { answer, tookMs } = await timed(() => rig.load('bird', () => 'loaded', { tenant: 'acme' }));
        expect(answer).toBe('loaded');
        expect(tookMs).toBeLessThan(900);
      }
      // What it held is not served on its word alone either.
      expect(await rig.get('hen', { tenant: 'acme' })).toBeUndefined();
      for (const node of halted) node.resume();
      const seen = new Set<unknown>();
      await until(
        'evictions are confirmed',
        async () => {
          seen.add(await rig.get('cow', { tenant: 'acme' }));
          return rig.evict('pig', { tenant: 'acme' }).then(
            () => true,
            () => false,
          );
        },
        TAKEOVER_MS,
      );
      // The one that was rejected has been made up for.
      seen.add(await rig.get('cow', { tenant: 'acme' }));
      expect([...seen]).toEqual([undefined]);
    },
  );

  itConcurrent('A33: with two masters gone the rest of the application goes on, in bounded time', async () => {
    const cluster = await start();
    const rig = await here().machines.ready({ cluster: cluster.startNodes });
    const facts = await cluster.facts();
    const masters = facts.filter(({ isMaster }) => isMaster).slice(0, 2);
    const gone: RedisProcess[] = masters.map(({ port }) => cluster.node(port));
    const replicas = facts.filter(({ masterId }) => masters.some(({ id }) => id === masterId));
    gone.push(...replicas.map(({ port }) => cluster.node(port)));
    await Promise.all(gone.map((node) => node.kill()));
    await pause(1_500);
    for (let round = 0; round < 10; round++) {
      for (const tenant of tenants) {
        const { answer, tookMs } = await timed(() => rig.load('bird', () => 'loaded', { tenant }));
        expect(answer).toBe('loaded');
        expect(tookMs).toBeLessThan(900);
      }
    }
    await expect(Promise.all(tenants.map((tenant) => rig.evict('cat', { tenant })))).rejects.toBeInstanceOf(CacheError);
    await Promise.all(gone.map((node) => node.begin()));
    await cluster.settled();
    await until(
      'the cluster is used again',
      async () => {
        await rig.load('cow', () => 1, { tenant: 'acme' });
        return (await rig.get('cow', { tenant: 'acme' })) === 1;
      },
      TAKEOVER_MS,
    );
  });
});
