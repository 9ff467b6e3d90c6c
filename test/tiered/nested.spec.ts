/** Entries made of other entries: an outdated copy must not become part of what all processes read. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { near, TieredMachines } from '../support/bus/tiered-machines.js';
import { pause, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

describeWithRedis('loads over two levels that read other entries', () => {
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

  // There is no bus, and nothing is checked during a test.
  const machine = () => machines.ready({ url: server.url, bus: false, maxUnvalidated: '1h' });

  const tags = ['cats'];
  type Machine = Awaited<ReturnType<typeof machine>>;
  const ways: [string, (b: Machine, inner: () => Promise<number>) => Promise<unknown>][] = [
    ['getOrSet', async (_, inner) => inner()],
    ['get', async (b) => b.get('inner', { tags })],
    [
      'getMany',
      async (b) => {
        const frame = b.machine.context.current();
        return (await b.machine.engine.getMany([{ key: b.key('inner'), policy: b.policy(), frame }]))[0];
      },
    ],
    ['has', async (b) => b.machine.engine.has(b.key('inner'), b.policy())],
    ['ttl', async (b) => (await b.machine.engine.ttlMs(b.key('inner'), b.policy())) !== undefined],
  ];

  it.each(ways)('G4: what was invalidated elsewhere before a load began is no part of it: %s', async (name, look) => {
    const [a, b] = [await machine(), await machine()];
    let truth = 1;
    const inner = (): Promise<number> => b.load('inner', async () => truth, { tags });
    await inner();
    await near(b, 'inner', { tags });
    truth = 2;
    await a.invalidateTag('cats');
    const outer = await b.load('outer', async () => ({ seen: await look(b, inner) }));
    const expected = { getOrSet: 2, get: undefined, getMany: undefined, has: false, ttl: false }[name];
    expect(outer).toEqual({ seen: expected });
    expect(await a.get('outer')).toEqual({ seen: expected });
  });

  it('G4: nor of what a put stores, nor of a load inside a load', async () => {
    const [a, b] = [await machine(), await machine()];
    let truth = 1;
    const inner = (): Promise<number> => b.load('inner', async () => truth, { tags });
    await inner();
    await near(b, 'inner', { tags });
    truth = 2;
    await a.invalidateTag('cats');
    await b.put('put', async () => ({ seen: await inner() }));
    expect(await a.get('put')).toEqual({ seen: 2 });
    truth = 3;
    await a.invalidateTag('cats');
    await b.load('outer', async () => b.load('middle', inner));
    expect(await a.get('outer')).toBe(3);
  });

  it('a copy that was checked since the load began is read without another check', async () => {
    const b = await machine();
    await b.set('inner', 1);
    await near(b, 'inner');
    let checks = 0;
    const stored = await b.load('outer', async () => {
      // Ages are kept in whole milliseconds, rounded to the earlier side.
      await pause(2);
      const levels: unknown[] = [];
      for (let look = 0; look < 3; look++) {
        await b.get('inner');
        const how = b.machine.context.current()?.loading?.handling(b.policy(), b.key('inner').space);
        const reading = b.backend.read(b.key('inner'), how);
        if (reading instanceof Promise) checks++;
        levels.push((await reading).level);
      }
      return levels;
    });
    expect({ stored, checks }).toEqual({ stored: ['l1', 'l1', 'l1'], checks: 0 });
  });
});
