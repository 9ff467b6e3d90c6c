import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { redis } from '../../../lib/backends/redis.backend.js';
import { cacheConfig, cacheConfigWith, optionsFromEnvironment } from '../../../lib/config.js';
import {
  CACHE_SETTINGS,
  CacheConfigError,
  CacheModule,
  CacheService,
  memory,
  tiered,
  type BackendFactory,
} from '../../../lib/index.js';

describe('configuration from the environment', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  it('an empty environment is the memory default', async () => {
    const cache = await started();
    expect(await cache.info()).toMatchObject({ kind: 'memory', maxEntries: 50_000 });
  });

  it('size, prefix and ttl come from their variables', async () => {
    Object.assign(process.env, { CACHE_MAX_SIZE: '12', CACHE_PREFIX: 'shop', CACHE_DEFAULT_TTL: '5m' });
    const cache = await started();
    expect(await cache.info()).toMatchObject({ maxEntries: 12 });
    await cache.set('a', 1);
    expect(await cache.ttl('a')).toBeGreaterThan(299_000);
    expect(await cache.ttl('a')).toBeLessThanOrEqual(300_000);
  });

  it('CACHE_ENABLED=false switches the cache off', async () => {
    process.env['CACHE_ENABLED'] = 'false';
    const cache = await started();
    await cache.set('a', 1);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('REDIS_DEFAULT_TTL counts in seconds and yields to CACHE_DEFAULT_TTL', async () => {
    const ttlOf = async (variables: Record<string, string>): Promise<unknown> =>
      (await optionsFromEnvironment(variables)).defaults;
    expect(await ttlOf({ REDIS_DEFAULT_TTL: '90' })).toEqual({ ttl: 90_000 });
    expect(await ttlOf({ REDIS_DEFAULT_TTL: '90', CACHE_DEFAULT_TTL: '1s' })).toEqual({ ttl: 1_000 });
    expect(await ttlOf({ CACHE_DEFAULT_TTL: '250ms' })).toEqual({ ttl: 250 });
    expect(await ttlOf({ CACHE_DEFAULT_TTL: 'none' })).toEqual({ ttl: null });
    expect(await ttlOf({ CACHE_DEFAULT_TTL: ' ', CACHE_PREFIX: '', CACHE_MAX_CONNECTIONS: '10' })).toBeUndefined();
  });

  it.each([
    ['redis', 'redis', 'nestjs-scoped-cache/redis'],
    ['dragonfly', 'redis', 'nestjs-scoped-cache/redis'],
    ['mongo', 'mongo', 'nestjs-scoped-cache/mongo'],
    ['tiered', 'redis', 'nestjs-scoped-cache/redis'],
  ])('CACHE_BACKEND=%s without its door names the variable and the door', async (name, needed, from) => {
    Object.assign(process.env, { CACHE_BACKEND: name, MONGO_URL: 'mongodb://host' });
    await expect(started()).rejects.toMatchObject({ code: 'CACHE_CONFIG', option: 'CACHE_BACKEND' });
    await expect(started()).rejects.toThrow(`is '${name}', which ${from} provides: give its \`${needed}\``);
  });

  it.each(['redis', 'dragonfly'])(
    'CACHE_BACKEND=%s gives redis() the URL, or the parts when there is none',
    async (name) => {
      const parts = { REDIS_HOST: 'h', REDIS_PORT: '7000', REDIS_DB: '3', REDIS_USERNAME: 'u', REDIS_PASSWORD: ' p' };
      expect(await addressFrom({ CACHE_BACKEND: name })).toEqual({});
      expect(await addressFrom({ CACHE_BACKEND: name, ...parts, CACHE_MAX_CONNECTIONS: '4' })).toEqual({
        ...{ host: 'h', port: 7000, db: 3, username: 'u', password: 'p' },
        maxConnections: 4,
      });
      for (const url of ['redis://h', 'rediss://u:p%40@h:7000/15', 'dragonfly://h/0', 'redis://[::1]:6379/']) {
        expect(await addressFrom({ CACHE_BACKEND: name, ...parts, CACHE_URL: url })).toEqual({ url });
      }
    },
  );

  it('CACHE_BACKEND=mongo gives mongo() the URL', async () => {
    const mongo = { mongo: (server: object) => told(server) };
    const of = (more: object) => optionsFromEnvironment({ CACHE_BACKEND: 'mongo', ...more }, mongo);
    const hosts = 'mongodb+srv://u:p@a,b:27018/db?w=majority';
    expect((await of({ MONGO_URL: hosts })).backend).toEqual(told({ uri: hosts }));
    expect((await of({ MONGO_URL: hosts, CACHE_URL: 'mongodb://c', CACHE_MAX_CONNECTIONS: '500' })).backend).toEqual(
      told({ uri: 'mongodb://c', maxConnections: 500 }),
    );
    await expect(of({})).rejects.toMatchObject({ option: 'MONGO_URL' });
  });

  it('CACHE_BACKEND=tiered puts memory of its size over the Redis of the variables', async () => {
    const variables = { CACHE_BACKEND: 'tiered', CACHE_URL: 'redis://h', CACHE_MAX_SIZE: '7' };
    const { backend } = await optionsFromEnvironment(variables, { redis: told, tiered: told });
    const { l1, l2 } = (backend as unknown as { told: { l1: BackendFactory; l2: unknown } }).told;
    expect(l1.kind).toBe('memory');
    expect(l2).toEqual(told({ url: 'redis://h' }));
    // Without a function of the user's own it is the library's.
    expect((await optionsFromEnvironment(variables, { redis })).backend?.kind).toBe('tiered');
    await expect(optionsFromEnvironment(variables, { tiered: told })).rejects.toThrow('give its `redis`');
  });

  it('takes the functions of the doors as they are', () => {
    // For the compiler: the clients themselves are not loaded here.
    const doors: {
      readonly redis?: typeof redis;
      readonly mongo?: (typeof import('../../../lib/mongo.js'))['mongo'];
      readonly tiered?: typeof tiered;
    } = { redis, tiered };
    expect(cacheConfigWith(doors).KEY).toBe(cacheConfig.KEY);
  });

  it('only the chosen backend is made, also when making it takes time', async () => {
    process.env['CACHE_BACKEND'] = 'redis';
    const cache = await started(
      cacheConfigWith({
        redis: async () => memory({ maxEntries: 7 }),
        mongo: () => {
          throw new Error('not chosen');
        },
      }),
    );
    expect(await cache.info()).toMatchObject({ maxEntries: 7 });
  });

  it('can be laid under options that no variable can say', async () => {
    process.env['CACHE_PREFIX'] = 'shop';
    const provided = cacheConfig.asProvider();
    const module = await Test.createTestingModule({
      imports: [
        CacheModule.forRootAsync({
          ...provided,
          useFactory: (options: ConfigType<typeof cacheConfig>) => ({ ...options, scope: { default: 'tenant' } }),
        }),
      ],
    }).compile();
    expect(module.get(CACHE_SETTINGS)).toMatchObject({ prefix: 'shop' });
    await expect(module.get(CacheService).get('k')).rejects.toThrow('No tenant');
    await module.close();
  });

  it.each([
    ['CACHE_BACKEND', 'redis://user:hunter2@host'],
    ['CACHE_DEFAULT_TTL', '300'],
    ['CACHE_DEFAULT_TTL', 'soon'],
    ['REDIS_DEFAULT_TTL', '-1'],
    ['CACHE_MAX_SIZE', '0'],
    ['CACHE_MAX_SIZE', '1e3'],
    ['CACHE_PREFIX', 'a b'],
    ['CACHE_ENABLED', 'yes'],
    ['CACHE_URL', 'https://user:hunter2@host'],
    ['CACHE_URL', 'redis://:hunter2@'],
    ['CACHE_URL', 'redis:///0'],
    ['CACHE_URL', 'hunter2'],
    ['REDIS_HOST', 'redis://:hunter2@host'],
    ['REDIS_PORT', '0'],
    ['REDIS_PORT', '65536'],
    ['REDIS_DB', '-1'],
    ['MONGO_URL', 'http://hunter2'],
    ['CACHE_MAX_CONNECTIONS', '0'],
    ['CACHE_MAX_CONNECTIONS', 'ten'],
    ['CACHE_BACKEND', 'constructor'],
  ])('the start fails with the name of the variable: %s=%s', async (name, value) => {
    process.env[name] = value;
    const failure = await started().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CacheConfigError);
    expect(failure).toMatchObject({ code: 'CACHE_CONFIG', option: name });
    expect((failure as Error).message).not.toContain('hunter2');
  });
});

describe('an address that fits another backend', () => {
  it.each([
    ['redis', 'CACHE_URL', 'mongodb://u:hunter2@host'],
    ['dragonfly', 'CACHE_URL', 'redis://u:hunter2@host/cats'],
    ['tiered', 'CACHE_URL', 'mongodb://u:hunter2@host'],
    ['mongo', 'CACHE_URL', 'redis://u:hunter2@host'],
    ['redis', 'CACHE_MAX_CONNECTIONS', '101'],
    ['mongo', 'CACHE_MAX_CONNECTIONS', '1001'],
  ])('CACHE_BACKEND=%s with %s=%s', async (backend, option, value) => {
    const made = optionsFromEnvironment({ CACHE_BACKEND: backend, [option]: value }, { redis: told, tiered: told });
    const failure = await made.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CACHE_CONFIG', option });
    expect((failure as Error).message).not.toContain('hunter2');
  });
});

/** A backend that only shows what it would have been made of. */
function told(options: object): BackendFactory {
  return { kind: 'told', told: options } as unknown as BackendFactory;
}

async function addressFrom(variables: Record<string, string>): Promise<unknown> {
  const { backend } = await optionsFromEnvironment(variables, { redis: told });
  return (backend as unknown as { told: unknown }).told;
}

async function started(config = cacheConfig): Promise<CacheService> {
  const module = await Test.createTestingModule({
    imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), CacheModule.forRootAsync(config.asProvider())],
  }).compile();
  return module.get(CacheService);
}
