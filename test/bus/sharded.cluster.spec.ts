/** Messages on sharded channels of a cluster: from every slot, from its own node alone, and while slots and masters change. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Cluster } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis-5';
import type { Clock } from '../../lib/core/clock.js';
import { ACL_CLUSTER_RULES, aclBusRules } from '../fixtures/redis-acl.js';
import { everyChange } from '../support/bus/every-change.js';
import { firstLevelOf, isNear, levelOf, near, TieredMachines } from '../support/bus/tiered-machines.js';
import type { Rig } from '../support/machine/rig.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { pause, until, type RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(90_000);

/** Nothing is checked: only messages, and knowing that messages are missing, explain that a copy is dropped. */
const SHARDED = { pubSub: 'sharded', maxUnvalidated: '1h', bus: { heartbeat: 100 }, timeout: '2s' } as const;

describeWithRedis('messages by sharded channels in a cluster', () => {
  let cluster: RedisCluster;
  let machines = new TieredMachines();
  const ends: (() => void)[] = [];
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterEach(async () => {
    await machines.close();
    machines = new TieredMachines();
    for (const end of ends.splice(0)) end();
  });
  afterAll(() => cluster.stop());

  const machine = (options = {}) => machines.ready({ cluster: cluster.startNodes, ...SHARDED, ...options });
  const slotOf = (partition: string): Promise<number> => cluster.slotOf(`{${partition}}`);
  const masters = async (): Promise<RedisProcess[]> =>
    (await cluster.facts()).filter(({ isMaster }) => isMaster).map(({ port }) => cluster.node(port));
  /** What one process stores, the other receives, and has a copy of afterwards. */
  const isHeard = async (a: Rig<Clock>, b: Rig<Clock>, tenant: string, value: number): Promise<void> => {
    await until('it is stored', () =>
      a.set('tom', value, { tenant }).then(
        () => true,
        () => false,
      ),
    );
    await until('the message', async () => (await b.get('tom', { tenant })) === value, 20_000);
    await until('a copy', async () => (await levelOf(b, 'tom', { tenant }).catch(() => undefined)) === 'l1');
  };

  it('come from every slot to every process', async () => {
    const [a, b] = [await machine({ shards: 8 }), await machine({ shards: 8 })];
    const names = Array.from({ length: 30 }, (_, index) => `cat ${index}`);
    for (const name of names) await a.set(name, 1);
    for (const name of names) await near(b, name);
    for (const name of names) await a.set(name, 2);
    await until('all messages', async () => {
      const values = await Promise.all(names.map((name) => b.get(name)));
      return values.every((value) => value === 2);
    });
    await everyChange(a, b);
  });

  it('come from the nodes that keep what is followed, and go round in no other', async () => {
    const a = await machine({ bus: false });
    const b = await machine();
    await a.set('tom', 1);
    await near(b, 'tom');
    const followed = new Set<RedisProcess>();
    for (const partition of ['g', 't.acme']) followed.add((await cluster.keeperOf(await slotOf(partition))).master);
    const published = async (node: RedisProcess): Promise<number> => {
      const info = String(await node.command('CLUSTER', 'INFO'));
      return [...info.matchAll(/messages_publish(?:shard)?_sent:(\d+)/g)].reduce(
        (all, [, sent]) => all + Number(sent),
        0,
      );
    };
    const before = await Promise.all(cluster.nodes.map(published));
    for (let round = 0; round < 50; round++) await a.invalidateTag('red', { tenant: 'beta' });
    const beta = await cluster.keeperOf(await slotOf('t.beta'));
    const after = await Promise.all(cluster.nodes.map(published));
    const grown = cluster.nodes.filter((_, at) => (after[at] ?? 0) - (before[at] ?? 0) >= 50);
    // To its replica, which may have to take over.
    expect(grown).toEqual([beta.master]);
    for (const node of await masters()) {
      const list = String(await node.command('CLIENT', 'LIST', 'TYPE', 'pubsub'));
      expect([node.port, list.split('\n').filter((line) => line !== '').length]).toEqual([
        node.port,
        followed.has(node) ? 1 : 0,
      ]);
    }
  });

  it('come with the published rights', async () => {
    const rules = [...aclBusRules(machines.prefix, 'sharded'), ...ACL_CLUSTER_RULES.split(' ')];
    for (const node of cluster.nodes) await node.command('ACL', 'SETUSER', 'near', 'reset', 'on', '>x', ...rules);
    const options = { username: 'near', password: 'x' };
    const [a, b] = [await machine(options), await machine(options)];
    await everyChange(a, b);
  });

  describe.each([
    ['5', () => new Cluster5(cluster.startNodes) as unknown as Cluster],
    ['6', () => new Cluster(cluster.startNodes)],
  ])('to ioredis %s', (_, make) => {
    const adopting = (): Promise<Rig<Clock>> => {
      const client = make();
      client.on('error', () => undefined);
      ends.push(() => client.disconnect());
      return machine({ cluster: undefined, client });
    };

    it('go on when a slot has moved: its copies are dropped, and its messages arrive from the new node', async () => {
      const [a, b] = [await adopting(), await adopting()];
      await isHeard(a, b, 'acme', 1);
      await isHeard(a, b, 'beta', 1);
      const slot = await slotOf('t.acme');
      const home = (await cluster.keeperOf(slot)).master;
      const away = (await masters()).find((node) => node !== home) as RedisProcess;
      for (const [at, to] of [away, home].entries()) {
        await cluster.moveSlot(slot, to);
        await until('it is forgotten', () => !isNear(b, 'tom'));
        await isHeard(a, b, 'acme', 10 + at);
        await isHeard(a, b, 'beta', 10 + at);
        expect(String(await to.command('PUBSUB', 'SHARDCHANNELS', `${machines.prefix}:*`))).toContain('{t.acme}');
      }
      await cluster.settled();
    });
  });

  it('go on for the others of a node when an unused slot has left it', async () => {
    const [a, b] = [await machine(), await machine()];
    const slot = await slotOf('t.acme');
    const home = (await cluster.keeperOf(slot)).master;
    const names = ['beta', 'gamma', 'delta', 'eps', 'zeta', 'eta', 'theta', 'iota', 'kappa'];
    const keepers = await Promise.all(names.map(async (name) => cluster.keeperOf(await slotOf(`t.${name}`))));
    const other = names.find((_, at) => keepers[at]?.master === home) as string;
    for (const tenant of ['acme', other]) await isHeard(a, b, tenant, 1);
    await cluster.moveSlot(slot, (await masters()).find((node) => node !== home) as RedisProcess);
    await until('it is noticed', () => !isNear(b, 'tom', { tenant: other }));
    // The client looks at the slots by itself every five seconds.
    await until('a copy', async () => (await levelOf(b, 'tom', { tenant: other })) === 'l1', 2_500);
    for (let look = 0; look < 40; look++) {
      expect(isNear(b, 'tom', { tenant: other })).toBe(true);
      await pause(25);
    }
    await cluster.moveSlot(slot, home);
    await cluster.settled();
  });

  it('go on after a failover by hand', async () => {
    const [a, b] = [await machine(), await machine()];
    await isHeard(a, b, 'acme', 1);
    const { replica } = await cluster.keeperOf(await slotOf('t.acme'));
    await replica.command('CLUSTER', 'FAILOVER');
    await until('the replica is master', async () => (await replica.role()) === 'master');
    await isHeard(a, b, 'acme', 2);
    // Over any connection that survived, too.
    await pause(300);
    await isHeard(a, b, 'acme', 3);
    await cluster.settled();
  });

  it('go on after a master was killed; meanwhile nothing of it is kept, and what others keep stays', async () => {
    const [a, b] = [await machine(), await machine()];
    const { master, replica } = await cluster.keeperOf(await slotOf('t.acme'));
    const others = ['beta', 'gamma', 'delta', 'eps', 'zeta'];
    const keepers = await Promise.all(others.map(async (name) => cluster.keeperOf(await slotOf(`t.${name}`))));
    const other = others.find((_, at) => keepers[at]?.master !== master) as string;
    await isHeard(a, b, 'acme', 1);
    await isHeard(a, b, other, 1);
    await master.kill();
    await until('the gap is noticed', () => !isNear(b, 'tom'));
    await until('its state is up', async () => (await firstLevelOf(b).catch(() => undefined))?.bus === 'up');
    await until('the replica has taken over', async () => (await replica.role()) === 'master', 15_000);
    await isHeard(a, b, 'acme', 2);
    await isHeard(a, b, other, 2);
    await isHeard(a, b, 'acme', 3);
    await master.begin();
    await cluster.settled();
  });
});
