import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { cacheConfig, cacheConfigWith, optionsFromEnvironment, type Environment } from '../../../lib/config.js';
import { CACHE_SETTINGS, CacheConfigError, CacheModule, CacheService, memory } from '../../../lib/index.js';

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
    ['redis', 'nestjs-scoped-cache/redis'],
    ['dragonfly', 'nestjs-scoped-cache/redis'],
    ['mongo', 'nestjs-scoped-cache/mongo'],
    ['tiered', 'nestjs-scoped-cache/redis'],
  ])('CACHE_BACKEND=%s says which door provides it, and takes what that door gives', async (name, door) => {
    process.env['CACHE_BACKEND'] = name;
    await expect(started()).rejects.toThrow(`CACHE_BACKEND: is '${name}', which ${door} provides`);
    const cache = await started(
      cacheConfigWith({
        [name]: async (environment: Environment) => {
          expect(environment.text('CACHE_BACKEND')).toBe(name);
          return memory({ maxEntries: 7 });
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

async function started(config = cacheConfig): Promise<CacheService> {
  const module = await Test.createTestingModule({
    imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), CacheModule.forRootAsync(config.asProvider())],
  }).compile();
  return module.get(CacheService);
}
