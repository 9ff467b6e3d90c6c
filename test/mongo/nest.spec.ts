/** An application and its MongoDB: over the connection it has anyway, starting without it, ending with it. */
import { afterEach, expect, it, jest } from '@jest/globals';
import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { getConnectionToken, MongooseModule } from '@nestjs/mongoose';
import { Test } from '@nestjs/testing';
import type { Connection, mongo as driver } from 'mongoose';
import { memory } from '../../lib/backends/memory/memory.backend.js';
import { mongo } from '../../lib/backends/mongo/mongo.backend.js';
import { tiered } from '../../lib/backends/tiered/tiered.backend.js';
import type { Backend, BackendFactory } from '../../lib/core/backend.js';
import { CacheConfigError, InvalidationUnknownError } from '../../lib/core/errors.js';
import { CacheModule } from '../../lib/nest/cache.module.js';
import { CACHE_BACKEND, getCacheToken } from '../../lib/nest/cache.tokens.js';
import { CacheService } from '../../lib/nest/cache.service.js';
import { Cacheable } from '../../lib/nest/decorators/cacheable.decorator.js';
import { failCommands } from '../support/mongo/fail-command.js';
import { MongoProcess, withDb } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { SpareServers } from '../support/mongo/spare-servers.js';
import { proveApart, proveCountsApart } from '../support/machine/prove-apart.js';
import { proveChain } from '../support/machine/prove-chain.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { timed } from '../support/redis/machines.js';
import { randomPrefix, until } from '../support/redis/redis-process.js';

jest.setTimeout(60_000);

@Injectable()
class Cats {
  calls = 0;

  @Cacheable({ ttl: '1m' })
  async find(id: number): Promise<string> {
    this.calls++;
    return `cat ${id}`;
  }
}

@Module({ providers: [Cats] })
class CatsModule {}

describeWithMongo('an application on MongoDB', () => {
  const servers = new SpareServers();
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const place = async (isThere: boolean): Promise<MongoProcess> => {
    const server = await (isThere ? servers.take() : MongoProcess.nowhere());
    ends.push(() => (isThere ? servers.giveBack(server) : server.stop()));
    return server;
  };
  const boot = async (...imports: DynamicModule[]) => {
    const module = await Test.createTestingModule({ imports: [...imports, CatsModule] }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.init();
    return app;
  };
  const adopting = (prefix: string) =>
    CacheModule.forRootAsync({
      isGlobal: true,
      inject: [getConnectionToken()],
      useFactory: (connection: Connection) => ({ backend: mongo({ connection, timeout: '5s' }), prefix }),
    });

  it('A110: two caches with names in one collection, neither with a prefix, keep out of each other, counts too, in one level and in two', async () => {
    const server = await place(true);
    for (const over of [(l2: BackendFactory) => l2, (l2: BackendFactory) => tiered({ l1: memory(), l2 })]) {
      const caches = [undefined, 'partners', 'Märkte'].map((name) =>
        CacheModule.forRoot({ name, backend: over(mongo({ uri: server.url, timeout: '5s' })) }),
      );
      const app = await boot(...caches);
      ends.push(() => app.close());
      const services = [undefined, 'partners', 'Märkte'].map((name) => app.get<CacheService>(getCacheToken(name)));
      await proveApart(services);
      await proveCountsApart(services);
    }
  });

  it('a base and an override that are both cached lose both entries, in one level and in two', async () => {
    const server = await place(true);
    for (const over of [(l2: BackendFactory) => l2, (l2: BackendFactory) => tiered({ l1: memory(), l2 })])
      await proveChain(over(mongo({ uri: server.url, timeout: '5s' })), randomPrefix());
  });

  it('two applications on their own connections share what one has loaded, and what one evicts', async () => {
    const server = await place(true);
    const prefix = randomPrefix();
    const [one, two] = [
      await boot(MongooseModule.forRoot(server.url), adopting(prefix)),
      await boot(MongooseModule.forRoot(server.url), adopting(prefix)),
    ];
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

  it('a connection that was adopted is still open when the cache has been closed', async () => {
    const server = await place(true);
    const app = await boot(MongooseModule.forRoot(server.url), adopting(randomPrefix()));
    ends.push(() => app.close());
    const connection = app.get<Connection>(getConnectionToken());
    await app.get(Cats).find(1);
    await app.get<Backend>(CACHE_BACKEND).close();
    expect(connection.readyState).toBe(1);
    expect(await connection.db?.command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  it('A1: it starts without its server, runs its methods, rejects evictions, and caches once the server is there', async () => {
    const server = await place(false);
    const cache = CacheModule.forRoot({ backend: mongo({ uri: server.url }), isGlobal: true });
    const { answer: app, tookMs } = await timed(() => boot(cache));
    ends.push(() => app.close());
    expect(tookMs).toBeLessThan(5_000);
    const cats = app.get(Cats);
    expect(await cats.find(1)).toBe('cat 1');
    await expect(app.get(CacheService).delete('x')).rejects.toBeInstanceOf(InvalidationUnknownError);
    await server.begin();
    await until('methods are cached', async () => {
      const before = cats.calls;
      await cats.find(1);
      return cats.calls === before;
    });
  });

  it('does not start on a server whose updates let several win, and says why', async () => {
    const server = await place(true);
    const cache = (unsafe: boolean) =>
      CacheModule.forRoot({ backend: mongo({ uri: server.url, unsafe }), prefix: randomPrefix(), isGlobal: true });
    // The server says of updates that were not made that they were.
    await failCommands(server.url, { failCommands: ['update'], claims: { ok: 1, n: 1, nModified: 1 } }, 'always');
    const error = await boot(cache(false)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CacheConfigError);
    expect(String(error)).toContain('several writers win the same compare-and-set');
    const app = await boot(cache(true));
    ends.push(() => app.close());
    expect(await app.get(Cats).find(1)).toBe('cat 1');
  });

  const unfit: [string, driver.CreateCollectionOptions][] = [
    ['collation', { collation: { locale: 'en', strength: 1 } }],
    ['capped', { capped: true, size: 1_000_000 }],
    ['timeseries', { timeseries: { timeField: 'x' } }],
    ['viewOn', { viewOn: 'another', pipeline: [] }],
  ];
  it.each(unfit)('does not start on a collection that is made with %s, and names the option', async (made, options) => {
    const server = await place(true);
    await withDb(server.url, async (db) => {
      await db.createCollection('another');
      await db.createCollection('cache', options);
    });
    const over = (collection: string, near = false) => {
      const l2 = mongo({ uri: server.url, collection });
      return CacheModule.forRoot({ backend: near ? tiered({ l1: memory(), l2 }) : l2, isGlobal: true });
    };
    for (const near of [false, true]) {
      const error = await boot(over('cache', near)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CacheConfigError);
      expect(error).toMatchObject({ option: 'mongo.collection', message: expect.stringContaining(`\`${made}\``) });
    }
    const app = await boot(over('another'));
    ends.push(() => app.close());
    expect(await app.get(Cats).find(1)).toBe('cat 1');
  });

  it('goes on without the cache when such a collection is found later', async () => {
    const server = await place(true);
    await withDb(server.url, (db) => db.createCollection('cache', { capped: true, size: 1_000_000 }));
    const proxy = await TcpProxy.before(server.port);
    ends.push(() => proxy.close());
    proxy.mode = 'refuse';
    const uri = `mongodb://127.0.0.1:${proxy.port}/test`;
    const backend = mongo({ uri, collection: 'cache', connectTimeout: '100ms' });
    const app = await boot(CacheModule.forRoot({ backend, isGlobal: true }));
    ends.push(() => app.close());
    proxy.mode = 'pass';
    const cache = app.get<Backend>(CACHE_BACKEND);
    await until('it is refused', async () =>
      String(await Promise.resolve(cache.ping()).catch((error: unknown) => error)).includes('made with capped'),
    );
    expect([await app.get(Cats).find(1), await app.get(Cats).find(1)]).toEqual(['cat 1', 'cat 1']);
    expect(app.get(Cats).calls).toBe(2);
    expect(await withDb(server.url, (db) => db.collection('cache').countDocuments())).toBe(0);
  });

  it('A50: it ends in bounded time when the server hangs', async () => {
    const server = await place(true);
    const app = await boot(CacheModule.forRoot({ backend: mongo({ uri: server.url }), isGlobal: true }));
    await app.get(Cats).find(1);
    server.halt();
    const { tookMs } = await timed(() => app.close());
    expect(tookMs).toBeLessThan(2_500);
  });
});
