/** Scripts of one turn of the event loop leave in one system call; nothing else about them changes. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis-5';
import type { Duplex } from 'node:stream';
import { InvalidationUnknownError } from '../../lib/core/errors.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines } from '../support/redis/machines.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { MASTER_NAME, sentinelOf } from '../support/redis/redis-sentinels.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

const MANY = 64;
const NAMES = Array.from({ length: MANY }, (_, at) => `k${at}`);
/** A busy machine takes its time; nothing here waits for a deadline. */
const PATIENT = { timeout: '5s' } as const;

type AnyClient = Redis | Cluster;

describeWithRedis('scripts of one turn', () => {
  let server: RedisProcess;
  let node: RedisProcess;
  let sentinel: RedisProcess;
  let machines: Machines;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    [server, node] = await Promise.all([RedisProcess.start(), clusterOfOne()]);
    // A node alone does not know its own address.
    await node.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
    sentinel = await sentinelOf(server.port);
  });
  afterAll(() => Promise.all([server, node, sentinel].map((each) => each.stop())));
  beforeEach(() => {
    machines = new Machines();
  });
  afterEach(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });

  const clients: Readonly<Record<string, () => unknown>> = {
    'ioredis 6': () => new Redis(server.port),
    'ioredis 5': () => new Redis5(server.port),
    'ioredis 6, sentinels': () => new Redis({ sentinels: [{ port: sentinel.port }], name: MASTER_NAME }),
    'ioredis 5, sentinels': () => new Redis5({ sentinels: [{ port: sentinel.port }], name: MASTER_NAME }),
    'ioredis 6, cluster': () => new Cluster([{ host: '127.0.0.1', port: node.port }]),
    'ioredis 5, cluster': () => new Cluster5([{ host: '127.0.0.1', port: node.port }]),
  };

  /** How often a socket is written to: what is corked goes to `_writev`. */
  const writesOf = (stream: Duplex): (() => number) => {
    let writes = 0;
    const counted = <K extends '_write' | '_writev'>(name: K): void => {
      const original = (stream[name] as (...args: unknown[]) => void).bind(stream);
      Reflect.set(stream, name, (...args: unknown[]) => {
        writes++;
        original(...args);
      });
    };
    counted('_write');
    counted('_writev');
    return () => writes;
  };

  it.each(Object.keys(clients))('of %s leave in one system call, each with its own answer', async (kind) => {
    const client = (clients[kind] as () => AnyClient)();
    ends.push(() => client.disconnect());
    const rig = await machines.ready({ client, ...PATIENT });
    for (const name of NAMES) await rig.set(name, name);
    const stream = client.isCluster ? (client as Cluster).nodes('master')[0]?.stream : (client as Redis).stream;
    const writes = writesOf(stream as Duplex);
    const evicted = await Promise.all([...NAMES, 'none'].map((name) => rig.evict(name)));
    expect(evicted).toEqual([...NAMES.map(() => 1), 0]);
    const before = writes();
    // The question whether the server still is a master may go beside them.
    expect(before).toBeLessThanOrEqual(3);
    await Promise.all(NAMES.map((name) => rig.set(name, name)));
    expect(writes() - before).toBeLessThanOrEqual(3);
    expect(await Promise.all(NAMES.map((name) => rig.get(name)))).toEqual(NAMES);
  });

  it('are sent before the reads that were called behind them', async () => {
    const rig = await machines.ready({ url: server.url, ...PATIENT });
    for (const name of NAMES) await rig.set(name, name);
    const outcomes = await Promise.all(NAMES.flatMap((name) => [rig.evict(name), rig.get(name)] as Promise<unknown>[]));
    expect(outcomes).toEqual(NAMES.flatMap(() => [1, undefined]));
  });

  it('that evict from one tenant are one script, and each call hears of its own', async () => {
    const rig = await machines.ready({ url: server.url, ...PATIENT });
    for (const name of NAMES) await rig.set(name, name);
    await rig.evict('warm');
    await server.command('CONFIG', 'RESETSTAT');
    const outcomes = await Promise.all([...NAMES, 'none', 'k0', 'k1'].map((name) => rig.evict(name)));
    const said = String(await server.command('INFO', 'commandstats'));
    expect(/cmdstat_evalsha:calls=(\d+)/.exec(said)?.[1]).toBe('1');
    expect(outcomes).toEqual([...NAMES.map(() => 1), 0, 0, 0]);
    for (const name of NAMES) await rig.set(name, name);
    // More than one script takes, in calls of several.
    const keys = NAMES.map((name) => rig.key(name));
    const many = await Promise.all(Array.from({ length: 5 }, () => rig.backend.evict(keys)));
    expect(many).toEqual([MANY, 0, 0, 0, 0]);
  });

  it('that evict are sent before what was called behind them', async () => {
    const rig = await machines.ready({ url: server.url, ...PATIENT });
    const key = rig.key('cat');
    const draft = { value: 'Tom', labels: key.labels, freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
    await rig.set('cat', 'old');
    const [removed, granted] = await Promise.all([
      rig.machine.backend.evict([key]),
      rig.machine.backend.lease(key, { leaseMs: 5_000, purpose: 'missing' }),
    ]);
    expect(removed).toBe(1);
    if (granted.kind !== 'granted') throw new Error(`not granted: ${granted.kind}`);
    expect(await rig.machine.backend.fill(granted.lease, draft)).toBe('stored');
  });

  it('that evict entries with very many tags refuse no eviction beside them', async () => {
    const rig = await machines.ready({ url: server.url, ...PATIENT });
    await rig.set('mine', 1);
    const { writes } = rig.machine.engine;
    const tagsOf = (entry: number): string[] => Array.from({ length: 130 }, (_, tag) => `${entry}-${tag}`);
    const others = Array.from({ length: 70 }, (_, at) => writes.evict([rig.key(`k${at}`, { tags: tagsOf(at) })]));
    const mine = writes.evict([rig.key('mine')]);
    expect(await Promise.all([mine, ...others])).toEqual([1, ...others.map(() => 0)]);
  });

  it('that the server refuses are refused by themselves', async () => {
    const full = await RedisProcess.start();
    ends.push(() => full.stop());
    const rig = await machines.ready({ url: full.url, ...PATIENT });
    for (const name of NAMES) await rig.set(name, name);
    await full.command('CONFIG', 'SET', 'maxmemory', '1');
    const outcomes = await Promise.allSettled(
      NAMES.flatMap((name) => [rig.set(`new ${name}`, 1), rig.evict(name)] as Promise<unknown>[]),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(NAMES.flatMap(() => ['rejected', 'fulfilled']));
  });

  /** Eight tenants, so that there are as many scripts. */
  const placeOf = (name: string): { tenant: string } => ({ tenant: `t${Number(name.slice(1)) % 8}` });

  it('A94: of which a connection takes only a part end one by one: done, or unknown and repeated', async () => {
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    const rig = await machines.ready({ url: proxy.url, ...PATIENT });
    const sound = await machines.ready({ url: server.url, ...PATIENT });
    for (const bytes of [1, 700, 5_000]) {
      for (const name of NAMES) await sound.set(name, name, placeOf(name));
      await rig.evict('warm');
      proxy.cutAfterBytes(bytes);
      const outcomes = await Promise.allSettled(NAMES.map((name) => rig.evict(name, placeOf(name))));
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(InvalidationUnknownError);
        else expect(outcome.value).toBe(1);
      }
      expect(outcomes.map(({ status }) => status)).toContain('rejected');
      await until('what is unknown was repeated', async () => {
        const left = await Promise.all(NAMES.map((name) => sound.get(name, placeOf(name))));
        return left.every((value) => value === undefined);
      });
    }
  });
});
