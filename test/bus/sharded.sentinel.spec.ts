/** Messages on sharded channels of a master that sentinels watch. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { isNear, levelOf, near, TieredMachines } from '../support/bus/tiered-machines.js';
import { MASTER_NAME, RedisSentinels } from '../support/redis/redis-sentinels.js';
import { until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(90_000);

describeWithRedis('messages by sharded channels behind sentinels', () => {
  const machines = new TieredMachines();
  let group: RedisSentinels;
  beforeAll(async () => {
    group = await RedisSentinels.start();
  });
  afterAll(async () => {
    await machines.close();
    await group.stop();
  });

  it('go on with the next master; meanwhile nothing is kept', async () => {
    const options = { sentinels: group.addresses, name: MASTER_NAME, pubSub: 'sharded' } as const;
    const ready = () => machines.ready({ ...options, maxUnvalidated: '1h', bus: { heartbeat: 100 } });
    const [a, b] = [await ready(), await ready()];
    await a.set('tom', 1);
    await near(b, 'tom');
    await a.set('tom', 2);
    await until('the message', async () => (await b.get('tom')) === 2);
    await near(b, 'tom');
    await group.master.kill();
    await until('the gap is noticed', () => !isNear(b, 'tom'));
    await group.promoted();
    await until('it is stored', () =>
      a.set('tom', 3).then(
        () => true,
        () => false,
      ),
    );
    await until('a copy', async () => (await levelOf(b, 'tom').catch(() => undefined)) === 'l1', 20_000);
    expect(await b.get('tom')).toBe(3);
    await a.set('tom', 4);
    await until('the message', async () => (await b.get('tom')) === 4);
  });
});
