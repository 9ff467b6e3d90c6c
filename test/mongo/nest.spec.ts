/** An application and its MongoDB: over the connection it has anyway, starting without it, ending with it. */
import { afterEach, expect, it, jest } from '@jest/globals';
import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { getConnectionToken, MongooseModule } from '@nestjs/mongoose';
import { Test } from '@nestjs/testing';
import type { Connection } from 'mongoose';
import { mongo } from '../../lib/backends/mongo.backend.js';
import type { Backend } from '../../lib/core/backend.js';
import { CacheConfigError, InvalidationUnknownError } from '../../lib/core/errors.js';
import { CacheModule } from '../../lib/nest/cache.module.js';
import { CACHE_BACKEND } from '../../lib/nest/cache.tokens.js';
import { CacheService } from '../../lib/nest/cache.service.js';
import { Cacheable } from '../../lib/nest/decorators/cacheable.decorator.js';
import { failCommands } from '../support/mongo/fail-command.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
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
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const place = async (isThere: boolean): Promise<MongoProcess> => {
    const server = await (isThere ? MongoProcess.start() : MongoProcess.nowhere());
    ends.push(() => server.stop());
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

  it('A50: it ends in bounded time when the server hangs', async () => {
    const server = await place(true);
    const app = await boot(CacheModule.forRoot({ backend: mongo({ uri: server.url }), isGlobal: true }));
    await app.get(Cats).find(1);
    server.halt();
    const { tookMs } = await timed(() => app.close());
    expect(tookMs).toBeLessThan(2_500);
  });
});
