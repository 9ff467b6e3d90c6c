/** Many entries in one call, over a network that takes its time. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { CacheError } from '../../lib/core/errors.js';
import { Source } from '../support/machine/rig.js';
import { Machines } from '../support/redis/machines.js';
import { pause, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';

jest.setTimeout(60_000);

describeWithRedis('a batch', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  const machines = new Machines();
  type Machine = Awaited<ReturnType<Machines['ready']>>;
  const batch = (rig: Machine, many: number, value: (at: number) => unknown) =>
    Array.from({ length: many }, (_, at) => [rig.key(at), value(at), rig.policy()] as const);
  beforeAll(async () => {
    server = await RedisProcess.start();
    proxy = await TcpProxy.before(server.port);
  });
  afterEach(() => machines.close());
  afterAll(async () => {
    await proxy.close();
    await server.stop();
  });

  it('B36: those who wait for one large value are each given their own', async () => {
    const [loading, waiting] = [await machines.ready({ url: server.url }), await machines.ready({ url: server.url })];
    const source = new Source<object>();
    const loaded = loading.load('large', source.load);
    await until('it is being loaded', () => source.calls.length === 1);
    const answers = Array.from({ length: 4 }, () => waiting.load<object>('large', () => ({ own: true })));
    await pause(50);
    // Compressed, and large enough for the thread pool.
    source.answer(0, { text: 'Tom '.repeat(100_000) });
    const values = [await loaded, ...(await Promise.all(answers))];
    expect(values.map((value) => Object.keys(value))).toEqual(Array(5).fill(['text']));
    expect(new Set(values).size).toBe(5);
  });

  it('of thousands is stored whole, although that takes longer than a call may; and so it is removed', async () => {
    const rig = await machines.ready({ url: proxy.url, timeout: '500ms' });
    const { writes } = rig.machine.engine;
    await writes.set(rig.key('warm'), 1, rig.policy());
    proxy.bytesPerSecond = 1_500_000;
    const beganAtMs = performance.now();
    try {
      let isStored = false;
      const storing = writes.setMany(batch(rig, 4_000, (at) => `value ${at}`)).finally(() => {
        isStored = true;
      });
      // Others use the same connection meanwhile, and are not kept waiting until all of it has gone.
      while (!isStored) {
        expect(await rig.get('warm')).toBe(1);
        await pause(50);
      }
      await storing;
      expect(performance.now() - beganAtMs).toBeGreaterThan(500);
    } finally {
      proxy.bytesPerSecond = 0;
    }
    for (const at of [0, 199, 200, 2_500, 3_999]) expect(await rig.get(at)).toBe(`value ${at}`);
    expect(await writes.evict(batch(rig, 4_000, () => 1).map(([key]) => key))).toBe(4_000);
    expect(rig.recorded.of('error')).toEqual([]);
  });

  it('of which the last value cannot be stored leaves nothing behind, however many came before it', async () => {
    const rig = await machines.ready({ url: server.url });
    const all = batch(rig, 500, (at) => (at === 499 ? () => 'no data' : at));
    await expect(rig.machine.engine.writes.setMany(all)).rejects.toBeInstanceOf(CacheError);
    for (const at of [0, 250, 498]) expect(await rig.get(at)).toBeUndefined();
  });

  it('that names a key twice keeps what it says last, whichever connections are taken', async () => {
    const rig = await machines.ready({ url: server.url, maxConnections: 4 });
    for (let round = 0; round < 20; round++) {
      const all = Array.from({ length: 40 }, (_, at) => [rig.key('one'), `${round} ${at}`, rig.policy()] as const);
      await rig.machine.engine.writes.setMany(all);
      expect(await rig.get('one')).toBe(`${round} 39`);
    }
  });
});
