/** An application that ends while it loads: what other processes wait for. */
import { afterAll, afterEach, beforeAll, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { TieredMachines } from '../support/bus/tiered-machines.js';
import { Machines } from '../support/redis/machines.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveClosedVerbs, proveLateLoad, proveRollingRestart } from '../support/servers/closing.js';
import { watchUnhandled } from '../support/unhandled.js';

jest.setTimeout(120_000);
watchUnhandled();

describeWithRedis('an application that ends while it loads', () => {
  let server: RedisProcess;
  let cluster: RedisProcess;
  const machines = new Machines();
  const tiered = new TieredMachines();
  beforeAll(async () => {
    [server, cluster] = await Promise.all([RedisProcess.start(), clusterOfOne()]);
    await cluster.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
  });
  afterEach(() => Promise.all([machines.close(), tiered.close()]));
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

  it('A102: every verb says afterwards that the cache is closed (server, two levels, cluster, second backend)', async () => {
    const nodes = [{ host: '127.0.0.1', port: cluster.port }];
    const near = await tiered.ready({ url: server.url, bus: false });
    for (const rig of [
      await machines.ready({ url: server.url }),
      await machines.ready({ cluster: nodes, timeout: '2s' }),
      await machines.ready({ url: server.url, fallback: memory() }),
      near,
    ])
      await proveClosedVerbs(rig);
  });
});
