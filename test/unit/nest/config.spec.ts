import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigModule } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { cacheConfig, optionsFromEnvironment } from '../../../lib/config.js';
import { CacheConfigError, CacheModule, CacheService } from '../../../lib/index.js';

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

  it('REDIS_DEFAULT_TTL counts in seconds and yields to CACHE_DEFAULT_TTL', () => {
    expect(optionsFromEnvironment({ REDIS_DEFAULT_TTL: '90' }).defaults).toEqual({ ttl: 90_000 });
    expect(optionsFromEnvironment({ REDIS_DEFAULT_TTL: '90', CACHE_DEFAULT_TTL: '1s' }).defaults).toEqual({ ttl: 1_000 });
    expect(optionsFromEnvironment({ CACHE_DEFAULT_TTL: 'none' }).defaults).toEqual({ ttl: null });
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
  ])('the start fails with the name of the variable: %s=%s', async (name, value) => {
    process.env[name] = value;
    const failure = await started().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CacheConfigError);
    expect(failure).toMatchObject({ code: 'CACHE_CONFIG', option: name });
    expect((failure as Error).message).not.toContain('hunter2');
  });
});

async function started(): Promise<CacheService> {
  const module = await Test.createTestingModule({
    imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), CacheModule.forRootAsync(cacheConfig.asProvider())],
  }).compile();
  return module.get(CacheService);
}
