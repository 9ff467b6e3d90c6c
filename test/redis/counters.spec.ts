/** Numbers that several processes add to while others do something else with them. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { Machines } from '../support/redis/machines.js';
import { pause, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(60_000);

describeWithRedis('a counter of several processes', () => {
  let server: RedisProcess;
  const machines = new Machines();
  const processes = (many: number) =>
    Promise.all(Array.from({ length: many }, () => machines.ready({ url: server.url, timeout: '5s' })));
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(() => machines.close());
  afterAll(() => server.stop());

  it('loses nothing while its ttl is changed, and has the new ttl', async () => {
    const [counting, expiring] = (await processes(2)) as [Rig, Rig];
    const count = (by = 1) => counting.machine.engine.writes.increment(counting.key('calls'), by, counting.policy());
    await count(-20);
    let isCounted = false;
    const counted = (async () => {
      for (let n = 0; n < 300; n++) await count();
      isCounted = true;
    })();
    while (!isCounted) {
      expect(await expiring.machine.engine.writes.expire(expiring.key('calls'), 60_000, expiring.policy())).toBe(true);
    }
    await counted;
    expect(await count()).toBe(281);
    expect(await expiring.get('calls')).toBe(281);
    const [entry] = (await server.command('KEYS', '*}:e:*calls')) as string[];
    expect(Number(await server.command('PTTL', String(entry)))).toBeLessThanOrEqual(60_000);
  });

  it('that begins as a number that was written loses nothing either', async () => {
    const all = await processes(4);
    for (let round = 0; round < 60; round++) {
      await all[0]?.set(round, 0);
      await Promise.all(
        all.map(async (rig) => {
          await pause(Math.random() * 2);
          for (let n = 0; n < 5; n++) await rig.machine.engine.writes.increment(rig.key(round), 1, rig.policy());
        }),
      );
      expect(await all[0]?.get(round)).toBe(20);
    }
  });
});

type Rig = Awaited<ReturnType<Machines['ready']>>;
