/** A process that computes for longer than any answer may take: what has arrived meanwhile is read before it is given up. */
import { afterAll, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { Rig } from '../support/machine/rig.js';
import { Machines } from '../support/redis/machines.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { MASTER_NAME, sentinelOf } from '../support/redis/redis-sentinels.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveBusy } from '../support/servers/busy.js';

jest.setTimeout(60_000);

describeWithRedis('a process that computes for long', () => {
  const ends: (() => unknown)[] = [];
  afterAll(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** Connections that last: not those of an administrator's command, nor of a look at the slots of a cluster. */
  const connectionsOf = async (server: RedisProcess): Promise<string[]> =>
    String(await server.command('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => !/ cmd=(client|cluster)/.test(line))
      .flatMap((line) => /^id=(\d+)/.exec(line)?.[1] ?? []);

  it('A75: right after its calls loses no connection and no answer, whatever it is connected to', async () => {
    const [server, node] = await Promise.all([RedisProcess.start(), clusterOfOne()]);
    // A node alone does not know its own address.
    await node.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
    const sentinel = await sentinelOf(server.port);
    const adopted = [new Redis(server.port), new Redis5(server.port) as unknown as Redis] as const;
    const on = (options: Parameters<Machines['ready']>[0]): Promise<Rig<Clock>> => {
      const machines = new Machines();
      ends.push(() => machines.close());
      return machines.ready(options);
    };
    ends.push(
      ...[server, node, sentinel].map((each) => () => each.stop()),
      ...adopted.map((client) => () => client.disconnect()),
    );
    const levels = new Rig<Clock>({
      clock: systemClock,
      backend: tiered({ l1: memory(), l2: redis({ url: server.url }) }),
    });
    await levels.backend.open?.();
    const rigs = {
      alone: await on({ url: server.url }),
      'a timeout of ioredis': await on({ url: server.url, clientOptions: { socketTimeout: 5_000 } }),
      cluster: await on({ cluster: [{ host: '127.0.0.1', port: node.port }] }),
      sentinels: await on({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: MASTER_NAME }),
      'a client of version 6': await on({ client: adopted[0] }),
      'a client of version 5': await on({ client: adopted[1] }),
      'two levels': levels,
    };
    const [before, beforeOfNode] = [await connectionsOf(server), await connectionsOf(node)];
    await proveBusy(rigs);
    expect(await connectionsOf(server)).toEqual(expect.arrayContaining(before));
    expect(await connectionsOf(node)).toEqual(expect.arrayContaining(beforeOfNode));
    expect(before.length).toBeGreaterThanOrEqual(7);
  });

  it('A106: for longer than three heartbeats keeps the connection that it listens on', async () => {
    const server = await RedisProcess.start();
    ends.push(() => server.stop());
    const levels = new Rig<Clock>({
      clock: systemClock,
      backend: tiered({ l1: memory(), l2: redis({ url: server.url }), bus: { heartbeat: 400 } }),
    });
    await levels.backend.open?.();
    await levels.set('tom', 1);
    const level = async (): Promise<unknown> => (await levels.backend.read(levels.key('tom'))).level;
    await until('there is a copy', async () => (await level()) === 'l1');
    const before = await connectionsOf(server);
    for (let round = 0; round < 2; round++) {
      const untilMs = performance.now() + 1_500;
      while (performance.now() < untilMs);
      await systemClock.sleep(600);
      expect(await connectionsOf(server)).toEqual(before);
    }
  });
});
