/** Removing takes longer than any caller waits. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { IMPATIENT, proveSlowRemovals } from '../support/servers/slow-removals.js';

describeWithRedis('removing that takes longer than longTimeout answers', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let machines: Machines;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    await machines.close();
    await proxy.close();
  });

  proveSlowRemovals(async () => {
    machines = new Machines();
    proxy = await TcpProxy.before(server.port);
    const slow = await machines.ready({ url: proxy.url, ...IMPATIENT });
    const stored = async (): Promise<number> =>
      ((await server.command('KEYS', `${machines.prefix}:*`)) as unknown[]).length;
    return { slow, quick: await machines.ready({ url: server.url, timeout: '10s' }), proxy, stored };
  });
});
