/** `redisBus` on a cluster in which masters change: a process without messages keeps nothing, and unsent changes are sent later. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { redisBus } from '../../lib/backends/redis/pubsub/redis.bus.js';
import type { Clock } from '../../lib/core/clock.js';
import { firstLevelOf, levelOf, TieredMachines } from '../support/bus/tiered-machines.js';
import type { Rig } from '../support/machine/rig.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(120_000);

describeWithRedis('a bus of its own on a cluster', () => {
  let cluster: RedisCluster;
  let server: RedisProcess;
  let machines: TieredMachines;
  beforeAll(async () => {
    [cluster, server] = await Promise.all([RedisCluster.start(), RedisProcess.start()]);
    machines = new TieredMachines();
  });
  afterEach(() => machines.close());
  afterAll(() => Promise.all([cluster.stop(), server.stop()]));

  /** Nothing is checked: copies are dropped because of messages, or because messages are missing. */
  const machine = (): Promise<Rig<Clock>> => {
    const via = redisBus({ cluster: cluster.startNodes });
    return machines.ready({ url: server.url, maxUnvalidated: '1h', bus: { via, heartbeat: 100 } });
  };
  const masters = async (): Promise<RedisProcess[]> => {
    const alive = cluster.nodes.find(({ pid }) => pid !== undefined);
    return (await cluster.facts(alive)).filter(({ isMaster }) => isMaster).map(({ port }) => cluster.node(port));
  };
  const hasCopy = async (rig: Rig<Clock>): Promise<void> => {
    await until('a copy', async () => (await levelOf(rig, 'tom').catch(() => undefined)) === 'l1', 20_000);
  };
  /** What either stores, the other comes to answer, although it had a copy of what was before. */
  const isReceived = async (a: Rig<Clock>, b: Rig<Clock>, value: number): Promise<void> => {
    for (const [from, to, next] of [
      [a, b, value],
      [b, a, -value],
    ] as const) {
      await from.set('tom', next);
      await until('the message', async () => (await to.get('tom')) === next, 20_000);
      await hasCopy(to);
    }
  };

  it('goes on when a replica takes over by hand, whichever master it is', async () => {
    const [a, b] = [await machine(), await machine()];
    await isReceived(a, b, 1);
    for (const [turn, master] of (await masters()).entries()) {
      const facts = await cluster.facts();
      const own = facts.find(({ port }) => port === master.port);
      const replica = cluster.node(facts.find(({ masterId }) => masterId === own?.id)?.port as number);
      await replica.command('CLUSTER', 'FAILOVER');
      await isReceived(a, b, 10 + turn);
      await until('it is master', async () => (await replica.role()) === 'master');
      await isReceived(a, b, 20 + turn);
    }
    await cluster.settled();
  });

  it('goes on when a master is killed, whichever it is: unsent changes are sent later, and copies are kept again', async () => {
    const [a, b] = [await machine(), await machine()];
    for (const [turn, master] of (await masters()).entries()) {
      await isReceived(a, b, 1 + turn);
      await master.kill();
      await isReceived(a, b, 10 + turn);
      await until('three masters', async () => (await masters()).length === 3, 20_000);
      await isReceived(a, b, 20 + turn);
      await master.begin();
      await cluster.settled();
      expect(await firstLevelOf(a)).toMatchObject({ bus: 'up' });
      expect(await firstLevelOf(b)).toMatchObject({ bus: 'up' });
    }
  });

  it('goes on when a master hangs', async () => {
    const [a, b] = [await machine(), await machine()];
    for (const [turn, master] of (await masters()).entries()) {
      await isReceived(a, b, 1 + turn);
      master.halt();
      try {
        await isReceived(a, b, 10 + turn);
      } finally {
        master.resume();
      }
      await isReceived(a, b, 20 + turn);
      await cluster.settled();
    }
  });
});
