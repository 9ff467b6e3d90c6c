/** An application that ends while it loads: what other processes wait for. */
import { afterAll, afterEach, beforeAll, it, jest } from '@jest/globals';
import { Machines } from '../support/redis/machines.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveLateLoad, proveRollingRestart } from '../support/servers/closing.js';
import { watchUnhandled } from '../support/unhandled.js';

jest.setTimeout(120_000);
watchUnhandled();

describeWithRedis('an application that ends while it loads', () => {
  let server: RedisProcess;
  let cluster: RedisProcess;
  const machines = new Machines();
  beforeAll(async () => {
    [server, cluster] = await Promise.all([RedisProcess.start(), clusterOfOne()]);
    await cluster.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
  });
  afterEach(() => machines.close());
  afterAll(() => Promise.all([server.stop(), cluster.stop()]));

  it('A80: by SIGTERM, stores what it can within closeTimeout, and leaves no lease behind (server, two levels, cluster)', async () => {
    const nodes = [{ host: '127.0.0.1', port: cluster.port }];
    const places = [{ address: server.url }, { address: server.url, near: {} }, { address: cluster.url, nodes }];
    await Promise.all(
      places.map(async (place) => {
        const prefix = randomPrefix();
        const own = 'nodes' in place ? { cluster: nodes } : { url: place.address };
        await proveRollingRestart({ ...place, prefix }, await machines.ready({ ...own, timeout: '2s' }, {}, prefix));
      }),
    );
  });

  it('A80: gives the value of a load that ends after it to its callers, and stores nothing', async () => {
    const [closing, other] = [await machines.ready({ url: server.url }), await machines.ready({ url: server.url })];
    await proveLateLoad(closing, other);
  });
});
