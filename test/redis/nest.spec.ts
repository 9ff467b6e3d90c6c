/** An application and its Redis: starting without it, ending with it. */
import { afterEach, expect, it, jest } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import type { RedisOptions } from '../../lib/backends/redis/options.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { BackendFactory } from '../../lib/core/backend.js';
import { InvalidationUnknownError } from '../../lib/core/errors.js';
import { CacheModule } from '../../lib/nest/cache.module.js';
import { CacheService } from '../../lib/nest/cache.service.js';
import { getCacheToken } from '../../lib/nest/cache.tokens.js';
import { Cacheable } from '../../lib/nest/decorators/cacheable.decorator.js';
import { proveApart, proveCountsApart } from '../support/machine/prove-apart.js';
import { proveChain } from '../support/machine/prove-chain.js';
import { timed } from '../support/redis/machines.js';
import { pause, randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

@Injectable()
class Cats {
  calls = 0;

  @Cacheable({ ttl: '1m' })
  async find(id: number): Promise<string> {
    this.calls++;
    return `cat ${id}`;
  }

  @Cacheable({ ttl: '1m' })
  async slow(id: number): Promise<number> {
    this.calls++;
    await pause(600);
    return id;
  }
}

@Module({ providers: [Cats] })
class CatsModule {}

describeWithRedis('an application on Redis', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const boot = async (options: RedisOptions, prefix = randomPrefix()) => {
    const cache = CacheModule.forRoot({ backend: redis(options), prefix, isGlobal: true });
    const module = await Test.createTestingModule({ imports: [cache, CatsModule] }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.init();
    return app;
  };
  const start = async (): Promise<RedisProcess> => {
    const server = await RedisProcess.start();
    ends.push(() => server.stop());
    return server;
  };

  it('A110: two caches with names on one server, neither with a prefix, keep out of each other, counts too, in one level and in two', async () => {
    const server = await start();
    for (const over of [(l2: BackendFactory) => l2, (l2: BackendFactory) => tiered({ l1: memory(), l2 })]) {
      const caches = [undefined, 'partners', 'Märkte'].map((name) =>
        CacheModule.forRoot({ name, backend: over(redis({ url: server.url, timeout: '5s', connectTimeout: '10s' })) }),
      );
      const app = await Test.createTestingModule({ imports: caches }).compile();
      ends.push(() => app.close());
      await app.init();
      const services = [undefined, 'partners', 'Märkte'].map((name) => app.get<CacheService>(getCacheToken(name)));
      await proveApart(services);
      await proveCountsApart(services);
    }
  });

  it('a base and an override that are both cached lose both entries, in one level and in two', async () => {
    const server = await start();
    for (const over of [(l2: BackendFactory) => l2, (l2: BackendFactory) => tiered({ l1: memory(), l2 })])
      await proveChain(over(redis({ url: server.url, timeout: '5s', connectTimeout: '10s' })), randomPrefix());
  });

  it('A1: it starts without its server, runs its methods, rejects evictions, and caches once the server is there', async () => {
    const server = await RedisProcess.nowhere();
    ends.push(() => server.stop());
    const { answer: app, tookMs } = await timed(() => boot({ url: server.url }));
    ends.push(() => app.close());
    expect(tookMs).toBeLessThan(3_000);
    const cats = app.get(Cats);
    expect(await cats.find(1)).toBe('cat 1');
    const cache = app.get(CacheService);
    await expect(cache.delete('x')).rejects.toBeInstanceOf(InvalidationUnknownError);
    for (const figures of [await cache.stats(), await cache.totals()]) {
      expect(figures).toMatchObject({ bypasses: 1, hits: 0, size: undefined, memoryUsage: undefined });
    }
    await server.begin();
    await until('methods are cached', async () => {
      const before = cats.calls;
      await cats.find(1);
      return cats.calls === before;
    });
  });

  it('A1: with requireOnBoot it does not start without its server, and says why', async () => {
    const server = await RedisProcess.nowhere();
    ends.push(() => server.stop());
    await expect(boot({ url: server.url, requireOnBoot: true, connectTimeout: '300ms' })).rejects.toThrow(
      'requireOnBoot',
    );
  });

  it('A50: it ends within two seconds, in the middle of loads too, and leaves neither leases nor connections', async () => {
    const server = await start();
    const prefix = randomPrefix();
    const app = await boot({ url: server.url }, prefix);
    const cats = app.get(Cats);
    await cats.find(1);
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    const loading = Promise.all([cats.slow(1), cats.slow(2)]);
    await pause(100);
    const { tookMs } = await timed(() => app.close());
    expect(tookMs).toBeLessThan(2_000);
    expect(await loading).toEqual([1, 2]);
    await pause(50);
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
    await until('no connection is left but the one that asks', async () => {
      const clients = String(await server.command('CLIENT', 'LIST')).trim();
      return clients.split('\n').length === 1;
    });
  });

  it('A50: it ends in bounded time when the server hangs', async () => {
    const server = await start();
    const app = await boot({ url: server.url });
    await app.get(Cats).find(1);
    server.halt();
    const { tookMs } = await timed(() => app.close());
    expect(tookMs).toBeLessThan(2_000);
  });

  it('two applications share what one of them has loaded, and what one of them evicts', async () => {
    const server = await start();
    const prefix = randomPrefix();
    const [one, two] = [await boot({ url: server.url }, prefix), await boot({ url: server.url }, prefix)];
    ends.push(
      () => one.close(),
      () => two.close(),
    );
    expect([await one.get(Cats).find(7), await two.get(Cats).find(7)]).toEqual(['cat 7', 'cat 7']);
    expect([one.get(Cats).calls, two.get(Cats).calls]).toEqual([1, 0]);
    await two.get(CacheService).clear();
    await one.get(Cats).find(7);
    expect(one.get(Cats).calls).toBe(2);
  });
});
