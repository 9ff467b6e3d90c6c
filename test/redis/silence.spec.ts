/** Failures that are hidden because the application asked for it. */
import { afterEach, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { systemClock } from '../../lib/core/clock.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveSilent } from '../support/servers/silence.js';

jest.setTimeout(60_000);

describeWithRedis('failSilently while Redis is away', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  it.each<[string, (l2: BackendFactory) => BackendFactory]>([
    ['alone', (l2) => l2],
    ['below memory', (l2) => tiered({ l1: memory(), l2 })],
  ])('%s: calls go on, and no old value comes back with it', async (_, over) => {
    const server = await RedisProcess.start();
    ends.push(() => server.stop());
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    const rig = new Rig({ clock: systemClock, backend: over(redis({ url: `redis://127.0.0.1:${proxy.port}` })) });
    await rig.backend.open?.();
    await proveSilent(rig, proxy);
  });
});
