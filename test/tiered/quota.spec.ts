/** What tenants may take of the first level. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { firstLevelOf, isNear, TieredMachines } from '../support/bus/tiered-machines.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

describeWithRedis('the memory of two levels', () => {
  let server: RedisProcess;
  let machines = new TieredMachines();
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(async () => {
    await machines.close();
    machines = new TieredMachines();
  });
  afterAll(() => server.stop());

  const machine = (memory = {}) => machines.ready({ url: server.url, bus: false, maxUnvalidated: '1h', memory });
  const names = (word: string, count: number) => Array.from({ length: count }, (_, at) => `${word}${at}`);

  it('what was invalidated does not count against a tenant that stores something new', async () => {
    const a = await machine({ quota: { maxEntries: 10, onExceeded: 'reject' } });
    for (const name of names('old', 10)) await a.set(name, 1);
    await a.set('more', 1);
    expect(isNear(a, 'more')).toBe(false);
    await a.clear();
    for (const name of names('new', 10)) await a.set(name, 2);
    expect(names('new', 10).map((name) => isNear(a, name))).toEqual(Array.from({ length: 10 }, () => true));
  });

  it('what was invalidated is looked over while others come, and leaves', async () => {
    const a = await machine();
    const tags = ['cats'];
    for (const name of names('old', 50)) await a.set(name, 1, { tags });
    await a.invalidateTag('cats');
    for (const name of names('new', 50)) await a.set(name, 2);
    expect(await firstLevelOf(a)).toMatchObject({ entries: 50 });
    expect(names('new', 50).every((name) => isNear(a, name))).toBe(true);
  });
});
