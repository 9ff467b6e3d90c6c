/** Very many keys in one call, while another tenant reads. */
import { afterEach, expect, it, jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { InvalidationUnknownError } from '../../lib/core/errors.js';
import { CacheModule } from '../../lib/nest/cache.module.js';
import { CacheService } from '../../lib/nest/cache.service.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { clusterOfOne } from '../support/redis/redis-cluster.js';
import { randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { beside, proveManyKeys } from '../support/servers/many-keys.js';
import { soaking } from '../support/soak.js';

jest.setTimeout(soaking(600_000, 60_000));

const MANY = soaking(400_000, 2_500);
/** Names of one script, at most. */
const OF_A_SCRIPT = 256;

describeWithRedis('very many keys', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const cacheOn = async (backend: BackendFactory): Promise<CacheService> => {
    const cache = CacheModule.forRoot({ backend, prefix: randomPrefix(), isGlobal: true });
    const module = await Test.createTestingModule({ imports: [cache] }).compile();
    module.useLogger(false);
    await module.init();
    ends.push(() => module.close());
    return module.get(CacheService);
  };
  const serverOf = async (start: () => Promise<RedisProcess>): Promise<RedisProcess> => {
    const server = await start();
    ends.push(() => server.stop());
    return server;
  };
  const evictionsOn = async (server: RedisProcess): Promise<number> =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await server.command('INFO', 'commandstats')))?.[1] ?? 0);

  it.each<[string, (url: string) => BackendFactory]>([
    ['alone', (url) => redis({ url, timeout: '2s' })],
    ['on two levels', (url) => tiered({ l1: memory({ maxEntries: 2 * MANY }), l2: redis({ url, timeout: '2s' }) })],
  ])('A73: %s go in portions, in small commands, and another tenant keeps its hits', async (_, backendOn) => {
    const server = await serverOf(() => RedisProcess.start());
    const cache = await cacheOn(backendOn(server.url));
    await proveManyKeys(cache, MANY);
    const before = await evictionsOn(server);
    await cache.tenant('acme').deleteMany(Array.from({ length: MANY }, (__, at) => at));
    expect((await evictionsOn(server)) - before).toBeGreaterThanOrEqual(MANY / OF_A_SCRIPT);
  });

  it('A73: in a cluster as well', async () => {
    const node = await serverOf(clusterOfOne);
    // A node alone does not know its own address.
    await node.command('CONFIG', 'SET', 'cluster-announce-ip', '127.0.0.1');
    const cache = await cacheOn(redis({ cluster: [{ host: '127.0.0.1', port: node.port }], timeout: '2s' }));
    await proveManyKeys(cache, MANY);
  });

  it('A73: of which some went before the server was lost are made up for, while another tenant has its hits', async () => {
    const server = await serverOf(() => RedisProcess.start());
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    const cache = await cacheOn(
      redis({ url: proxy.url, timeout: '1s', invalidationTimeout: 50, maxRetries: 1_000_000 }),
    );
    const [acme, beta] = [cache.tenant('acme'), cache.tenant('beta')];
    const names = Array.from({ length: MANY }, (_, at) => `cat ${at}`);
    await acme.setMany(names.map((name) => [name, name] as const));
    await acme.set('dog', 'stays');
    await beta.set('small', 'stays');
    proxy.cutAfterBytes(MANY * 120);
    const removing = acme.deleteMany(names);
    proxy.mode = 'refuse';
    await expect(removing).rejects.toBeInstanceOf(InvalidationUnknownError);
    proxy.mode = 'pass';
    await until('the other tenant has its hits again', async () => (await beta.get('small')) === 'stays');
    const { loads } = await beside(cache, () =>
      until('all of them are gone', async () => (await acme.get('dog')) === 'stays'),
    );
    expect(loads).toBe(0);
    expect((await acme.getMany(names)).size).toBe(0);
  });
});
