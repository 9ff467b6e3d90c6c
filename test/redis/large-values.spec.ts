/** Values as large as the limit allows, between those of others. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { assemble } from '../support/machine/assemble.js';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { CacheConfigError } from '../../lib/core/errors.js';
import { resolveLimits } from '../../lib/core/limits.js';
import { Rig } from '../support/machine/rig.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { Machines } from '../support/redis/machines.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveBeside, proveLine, provePacking } from '../support/servers/large-values.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(60_000);

const MOST_BYTES = 8_388_608;
const TIMEOUT_MS = 1_000;

describeWithRedis('the largest values that may be stored', () => {
  let server: RedisProcess;
  const machines = new Machines();
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  const ends: (() => unknown)[] = [];
  afterAll(async () => {
    await machines.close();
    for (const end of ends.splice(0).reverse()) await end();
    await server.stop();
  });
  const clusterNode = async (): Promise<RedisProcess> => {
    const node = await clusterOfOne();
    ends.push(() => node.stop());
    // A node alone does not know its own address.
    await node.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
    return node;
  };

  it('A74: come and go on one connection while every read of another tenant stays a hit', async () => {
    const rig = await machines.ready({ url: server.url, timeout: '5s' }, { maxValueBytes: MOST_BYTES });
    const others = { tenant: 'beta' } as const;
    await rig.set('small', 'beta', others);
    const value = { text: 'x'.repeat(MOST_BYTES / 2 - 1_000) };
    let isDone = false;
    const coming = async (): Promise<void> => {
      for (let round = 0; round < soaking(20, 2); round++) {
        await rig.set('large', value);
        expect(await rig.get('large')).toEqual(value);
      }
    };
    const done = coming().finally(() => {
      isDone = true;
    });
    const loads: string[] = [];
    while (!isDone) expect(await rig.load('small', () => loads.push('a load'), others)).toBe('beta');
    await done;
    expect(loads).toEqual([]);
    expect(rig.recorded.of('error')).toEqual([]);
  });

  const ways: [string, (url: string) => Promise<RedisOptions>][] = [
    ['alone', async (url) => ({ url })],
    ['with a fallback', async (url) => ({ url, fallback: memory() })],
    ['in a cluster', async () => ({ cluster: [{ host: '127.0.0.1', port: (await clusterNode()).port }] })],
  ];
  it.each(ways)('A103: are stored although packing them takes longer than a call may, %s', async (_way, optionsOf) => {
    const options = await optionsOf(server.url);
    const prefix = randomPrefix();
    const rig = await machines.ready({ ...options, timeout: TIMEOUT_MS }, undefined, prefix);
    await provePacking(rig, await machines.ready({ ...options, timeout: '5s' }, undefined, prefix), TIMEOUT_MS);
  });

  it('A103: are stored although packing them takes longer than a call may, below memory', async () => {
    const prefix = randomPrefix();
    const levels = tiered({ l1: memory(), l2: redis({ url: server.url, timeout: TIMEOUT_MS }) });
    const rig = new Rig<Clock>({
      clock: systemClock,
      random: Math.random,
      backend: { kind: 'tiered', create: (parts) => levels.create({ ...parts, prefix }) },
    });
    await rig.backend.open?.();
    await provePacking(rig, await machines.ready({ url: server.url, timeout: '5s' }, undefined, prefix), TIMEOUT_MS);
  });

  it('A103: many at once neither open the circuit nor cost another tenant a hit', async () => {
    const limits = { maxValueBytes: MOST_BYTES };
    const rig = await machines.ready({ url: server.url, timeout: soaking('1s', '5s') }, limits);
    await proveBeside(rig, soaking(7, 2) * 1_048_576, soaking(8, 4));
  });

  it('A104: before a server that hangs stand in line, and few of them are sent', async () => {
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    await proveLine(await machines.ready({ url: proxy.url, timeout: TIMEOUT_MS }), proxy);
  });

  it('A74: beyond that the application does not start, and is told which option to change', () => {
    const limits = resolveLimits({ maxValueBytes: MOST_BYTES + 1 });
    const start = (): unknown => assemble({ backend: redis({ url: server.url }), limits });
    expect(start).toThrow(CacheConfigError);
    expect(start).toThrow('limits.maxValueBytes: must not exceed 8388608');
  });
});
