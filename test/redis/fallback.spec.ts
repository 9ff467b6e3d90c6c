/** What a memory behind a server that is away may keep, and what of the server counts once it is back. */
import { afterEach, expect, it, jest } from '@jest/globals';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import type { Clock } from '../../lib/core/clock.js';
import type { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines } from '../support/redis/machines.js';
import { RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

describeWithRedis('a fallback', () => {
  const machines = new Machines();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
  });

  it.each([
    ['set', (rig: Rig<Clock>) => rig.set('cat', 'new')],
    ['put', (rig: Rig<Clock>) => rig.put('cat', () => 'new')],
  ])('what was replaced by a %s while the server was away is not served once it is back', async (_, replace) => {
    const server = await RedisProcess.start();
    ends.push(() => server.stop());
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    const rig = await machines.ready({ url: `redis://127.0.0.1:${proxy.port}`, fallback: memory() });
    await rig.set('cat', 'old');
    await rig.set('dog', 'kept');
    proxy.mode = 'refuse';
    proxy.reset();
    await replace(rig);
    expect(await rig.get('cat')).toBe('new');
    proxy.mode = 'pass';
    const seen = new Set<unknown>();
    await until('the server is used again', async () => {
      seen.add(await rig.get('cat'));
      return (await rig.get('dog')) === 'kept';
    });
    seen.add(await rig.get('cat'));
    expect(seen).not.toContain('old');
  });
});
