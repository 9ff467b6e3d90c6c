/** The variables of a deployment, down to a server. */
import { afterEach, expect, it, jest } from '@jest/globals';
import { ConfigModule } from '@nestjs/config';
import { Test, type TestingModule } from '@nestjs/testing';
import { redis } from '../../lib/backends/redis/redis.backend.js';
import { cacheConfigWith } from '../../lib/config.js';
import { CacheModule, CacheService, memory } from '../../lib/index.js';
import { randomPrefix, RedisProcess, until } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

jest.setTimeout(30_000);

describeWithRedis('a Redis that the environment names', () => {
  const before = { ...process.env };
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    process.env = { ...before };
    for (const end of ends.splice(0).reverse()) await end();
  });
  const boot = async (
    variables: Record<string, string>,
    config = cacheConfigWith({ redis }),
  ): Promise<CacheService> => {
    process.env = { ...before, ...variables };
    const module: TestingModule = await Test.createTestingModule({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), CacheModule.forRootAsync(config.asProvider())],
    }).compile();
    await module.init();
    ends.push(() => module.close());
    return module.get(CacheService);
  };

  it('is shared by processes that were told its URL, its parts, or that it is a Dragonfly', async () => {
    const password = 'p@ss/word';
    const server = await RedisProcess.start({ config: { requirepass: password } });
    ends.push(() => server.stop());
    const address = `127.0.0.1:${server.port}/2`;
    const secret = encodeURIComponent(password);
    const prefix = randomPrefix();
    const writer = await boot({
      CACHE_BACKEND: 'redis',
      CACHE_URL: `redis://:${secret}@${address}`,
      CACHE_PREFIX: prefix,
    });
    await writer.set('cat', 'Tom');
    const inParts = {
      // The tests may have been told of a server under this name.
      REDIS_URL: '',
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(server.port),
      REDIS_DB: '2',
      REDIS_PASSWORD: password,
    };
    const others: readonly (readonly [kind: string, variables: Record<string, string>])[] = [
      ['redis', { CACHE_BACKEND: 'redis', ...inParts }],
      [
        'redis',
        { CACHE_BACKEND: 'dragonfly', CACHE_URL: `dragonfly://:${secret}@${address}`, CACHE_MAX_CONNECTIONS: '3' },
      ],
      ['tiered', { CACHE_BACKEND: 'tiered', ...inParts, CACHE_MAX_SIZE: '10' }],
    ];
    for (const [kind, variables] of others) {
      const reader = await boot({ ...variables, CACHE_PREFIX: prefix });
      expect((await reader.info()).kind).toBe(kind);
      expect(await reader.get('cat')).toBe('Tom');
    }
  });

  it('is below memory of each process, within what that may hold, and told what the others drop', async () => {
    const server = await RedisProcess.start();
    ends.push(() => server.stop());
    const variables = {
      CACHE_BACKEND: 'tiered',
      CACHE_URL: server.url,
      CACHE_PREFIX: randomPrefix(),
      CACHE_MAX_SIZE: '2',
    };
    const [writer, reader] = [await boot(variables), await boot(variables)];
    const inMemory = async (): Promise<unknown> => (await reader.info()).details?.['l1Entries'];
    await until('messages', async () => (await reader.info()).details?.['bus'] === 'up');
    await writer.set('cat', 'Tom');
    await until('a copy in memory', async () => (await reader.get('cat')) === 'Tom' && (await inMemory()) === 1);
    await writer.delete('cat');
    // Unasked it would be believed for 5 s: who is told has forgotten before.
    await until('the news', async () => (await reader.get('cat')) === undefined, 3_000);
    for (const name of ['Tom', 'Tim', 'Tam']) await writer.set(name, name);
    await until('full', async () => {
      for (const name of ['Tom', 'Tim', 'Tam']) expect(await reader.get(name)).toBe(name);
      return (await inMemory()) === 2;
    });
  });

  it('can be given what no variable says: a fallback for when it is away', async () => {
    const server = await RedisProcess.nowhere();
    ends.push(() => server.stop());
    const config = cacheConfigWith({ redis: (address) => redis({ ...address, fallback: memory() }) });
    const cache = await boot({ CACHE_BACKEND: 'redis', CACHE_URL: server.url }, config);
    await cache.set('cat', 'Tom');
    expect(await cache.get('cat')).toBe('Tom');
  });
});
