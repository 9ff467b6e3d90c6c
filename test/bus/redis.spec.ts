/** Messages over real servers: a cluster, one that minds which keys scripts touch, and one that is strict about rights. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { aclBusRules, aclRules } from '../fixtures/redis-acl.js';
import { firstLevelOf, near, TieredMachines } from '../support/bus/tiered-machines.js';
import { everyChange } from '../support/bus/every-change.js';
import { watchingKeys } from '../support/redis/declared-keys.js';
import { RedisCluster } from '../support/redis/redis-cluster.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

const BY_BUS = { maxUnvalidated: '1h', bus: { heartbeat: 100 } } as const;

let machines = new TieredMachines();
afterEach(async () => {
  await machines.close();
  machines = new TieredMachines();
});

describeWithRedis('messages in a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster.stop());

  it('come from every slot to every process', async () => {
    const options = { ...BY_BUS, cluster: cluster.startNodes, shards: 8 };
    const [a, b] = [await machines.ready(options), await machines.ready(options)];
    await until(
      'both listen',
      async () => (await firstLevelOf(a)).bus === 'up' && (await firstLevelOf(b)).bus === 'up',
    );
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
});

describeWithRedis('messages from a strict server', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  it('are published by scripts that touch no key they did not declare', async () => {
    const clients = [0, 1].map(() => watchingKeys(new Redis(server.url)));
    const [a, b] = [
      await machines.ready({ ...BY_BUS, client: clients[0] as Redis }),
      await machines.ready({ ...BY_BUS, client: clients[1] as Redis }),
    ];
    await everyChange(a, b);
    await machines.close();
    for (const client of clients) client.disconnect();
  });

  it('arrive with the right to publish and to subscribe to one channel', async () => {
    const rules = aclBusRules(machines.prefix, 'broadcast');
    await server.command('ACL', 'SETUSER', 'near', 'on', '>secret-of-near', ...rules);
    const options = { ...BY_BUS, url: server.url, username: 'near', password: 'secret-of-near' };
    const [a, b] = [await machines.ready(options), await machines.ready(options)];
    expect(await firstLevelOf(b)).toMatchObject({ bus: 'up' });
    await everyChange(a, b);
  });

  it('do not come without that right: then nothing is kept, and everything else works', async () => {
    await server.command('ACL', 'SETUSER', 'deaf', 'on', '>secret-of-deaf', ...aclRules(machines.prefix));
    const options = { ...BY_BUS, url: server.url, username: 'deaf', password: 'secret-of-deaf' };
    const [a, b] = [await machines.ready(options), await machines.ready(options)];
    await a.set('tom', 1);
    expect(await b.get('tom')).toBe(1);
    await a.set('tom', 2);
    expect(await b.get('tom')).toBe(2);
    await a.evict('tom');
    expect(await b.get('tom')).toBeUndefined();
    expect(await firstLevelOf(b)).toEqual({ entries: 0, bus: 'down' });
  });
});
