/** Very many calls that change one key at once: contention is no outage. */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { errorOf } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveCounting, proveMixed } from '../support/servers/contention.js';

jest.setTimeout(60_000);

describeWithRedis('one key of Redis that very many calls change at once', () => {
  let server: RedisProcess;
  const machines = new Machines();
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(() => machines.close());
  afterAll(() => server.stop());
  const ready = () => machines.ready({ url: server.url, timeout: '30s' });

  it('A82: counts exactly what it reports, from one process and from three', async () => {
    await proveCounting(await Promise.all([ready(), ready(), ready()]));
  });

  it('A82: is set, removed, put and loaded without an outage', async () => {
    await proveMixed(await Promise.all([ready(), ready()]));
  });

  it('A82: what waits behind a count that is never answered is not counted once its caller has been told', async () => {
    const proxy = await TcpProxy.before(server.port);
    try {
      const rig = await machines.ready({ url: proxy.url, timeout: '150ms', failures: 100 });
      const count = () => rig.machine.engine.writes.increment(rig.key('n'), 1, rig.policy());
      expect(await count()).toBe(1);
      proxy.mode = 'blackhole';
      const failed = await Promise.all([1, 2, 3].map(() => errorOf(count())));
      expect(failed.map(String)).toEqual(Array(3).fill(expect.stringContaining('no answer in time')));
      proxy.mode = 'pass';
      proxy.reset();
      let total: number | undefined;
      await until('it counts again', async () => (total = await count().catch(() => undefined)) !== undefined);
      expect(total).toBe(2);
    } finally {
      await proxy.close();
    }
  });
});
