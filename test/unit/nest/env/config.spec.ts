import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { redis } from '../../../../lib/backends/redis/redis.backend.js';
import { cacheConfig, cacheConfigWith, optionsFromEnvironment } from '../../../../lib/config.js';
import {
  CACHE_SETTINGS,
  CacheConfigError,
  CacheModule,
  CacheService,
  memory,
  tiered,
  type BackendFactory,
} from '../../../../lib/index.js';

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
    ['redis', 'redis', 'which nestjs-scoped-cache/redis'],
    ['dragonfly', 'redis', 'which nestjs-scoped-cache/redis'],
    ['mongo', 'mongo', 'which nestjs-scoped-cache/mongo'],
    ['tiered', 'redis', 'whose shared level nestjs-scoped-cache/redis'],
  ])('CACHE_BACKEND=%s without its door names the variable and the door', async (name, needed, what) => {
    Object.assign(process.env, { CACHE_BACKEND: name, MONGO_URL: 'mongodb://host' });
    await expect(started()).rejects.toMatchObject({ code: 'CACHE_CONFIG', option: 'CACHE_BACKEND' });
    await expect(started()).rejects.toThrow(`is '${name}', ${what} provides: give its \`${needed}\``);
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

  describe('what lies below memory with CACHE_BACKEND=tiered', () => {
    const MONGO = { MONGO_URL: 'mongodb://m' };
    const REDIS = { REDIS_HOST: 'r' };
    const both = {
      redis: (server: object) => told({ redis: server }),
      mongo: (server: object) => told({ mongo: server }),
      tiered: told,
    };
    const below = async (variables: Record<string, string>, backends: object = both): Promise<unknown> => {
      const { backend } = await optionsFromEnvironment({ CACHE_BACKEND: 'tiered', ...variables }, backends);
      return (backend as unknown as { told: { l2: { told: unknown } } }).told.l2.told;
    };
    const { redis: ofRedis, mongo: ofMongo, tiered: over } = both;

    it.each([
      ['what CACHE_L2 says', { CACHE_L2: 'mongo', ...MONGO, ...REDIS }, both, { mongo: { uri: 'mongodb://m' } }],
      ['what CACHE_L2 says, the other', { CACHE_L2: 'redis', ...MONGO, ...REDIS }, both, { redis: { host: 'r' } }],
      ['what CACHE_L2 says, without an address', { CACHE_L2: 'dragonfly' }, both, { redis: {} }],
      ['what CACHE_URL leads to', { CACHE_URL: 'mongodb://u', ...REDIS }, both, { mongo: { uri: 'mongodb://u' } }],
      [
        'what CACHE_URL leads to, the other',
        { CACHE_URL: 'redis://u', ...MONGO },
        both,
        { redis: { url: 'redis://u' } },
      ],
      ['what has an address', MONGO, both, { mongo: { uri: 'mongodb://m' } }],
      ['what has an address, the other', REDIS, both, { redis: { host: 'r' } }],
      [
        'the one that was given',
        { ...MONGO, ...REDIS },
        { mongo: ofMongo, tiered: over },
        { mongo: { uri: 'mongodb://m' } },
      ],
      ['the one that was given, the other', MONGO, { redis: ofRedis, tiered: over }, { redis: {} }],
    ])('is %s', async (_, variables, backends, expected) => {
      expect(await below(variables as Record<string, string>, backends)).toEqual(expected);
    });

    it('has room for as many connections as it takes', async () => {
      expect(await below({ ...MONGO, CACHE_MAX_CONNECTIONS: '500' })).toEqual({
        mongo: { uri: 'mongodb://m', maxConnections: 500 },
      });
      await expect(below({ ...REDIS, CACHE_MAX_CONNECTIONS: '500' })).rejects.toMatchObject({
        option: 'CACHE_MAX_CONNECTIONS',
      });
    });

    it.each([
      ['addresses of both', { ...MONGO, ...REDIS }, both, 'CACHE_L2', 'there are addresses of both'],
      ['no address', {}, both, 'CACHE_L2', 'there is no address of either'],
      ['a word that is none', { CACHE_L2: 'redis://u:hunter2@h' }, both, 'CACHE_L2', 'redis, dragonfly, mongo'],
      ['an address of the other', { CACHE_L2: 'mongo', CACHE_URL: 'redis://h' }, both, 'CACHE_URL', 'mongodb://'],
      ['MongoDB without an address', { CACHE_L2: 'mongo', ...REDIS }, both, 'MONGO_URL', 'tiered'],
      ['a door that was not given', { CACHE_L2: 'mongo' }, { redis: ofRedis }, 'CACHE_BACKEND', 'give its `mongo`'],
    ])('is not guessed: %s', async (_, variables, backends, option, words) => {
      const failure = await below(variables as Record<string, string>, backends).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'CACHE_CONFIG', option });
      expect((failure as Error).message).toContain(words);
      expect((failure as Error).message).not.toContain('hunter2');
    });

    it('a word that is none stops the start with any backend', async () => {
      await expect(optionsFromEnvironment({ CACHE_L2: 'memory' })).rejects.toMatchObject({ option: 'CACHE_L2' });
    });
  });

  it('takes the functions of the doors as they are', () => {
    // For the compiler: the clients themselves are not loaded here.
    const doors: {
      readonly redis?: typeof redis;
      readonly mongo?: (typeof import('../../../../lib/mongo.js'))['mongo'];
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

describe('REDIS_URL', () => {
  it('says where the Redis is that was chosen, before its parts and after CACHE_URL', async () => {
    const url = 'rediss://u:p@h:7000/1';
    const chosen = { CACHE_BACKEND: 'redis', REDIS_URL: url, REDIS_HOST: 'other' };
    expect(await addressFrom(chosen)).toEqual({ url });
    expect(await addressFrom({ ...chosen, CACHE_BACKEND: 'dragonfly' })).toEqual({ url });
    expect(await addressFrom({ ...chosen, CACHE_URL: 'redis://first' })).toEqual({ url: 'redis://first' });
  });

  it('counts as an address of Redis where something has to lie below memory', async () => {
    const backends = { redis: told, mongo: told, tiered: told };
    const { backend } = await optionsFromEnvironment({ CACHE_BACKEND: 'tiered', REDIS_URL: 'redis://r' }, backends);
    expect(backend).toMatchObject({ told: { l2: told({ url: 'redis://r' }) } });
  });

  it.each([{}, { CACHE_BACKEND: 'memory' }, { CACHE_BACKEND: 'mongo', MONGO_URL: 'mongodb://m' }])(
    'chooses nothing and refuses nothing where Redis was not chosen: %j',
    async (variables) => {
      for (const url of ['redis://r', 'no address']) {
        const options = await optionsFromEnvironment(
          { ...variables, REDIS_URL: url },
          { redis: neverChosen, mongo: told },
        );
        expect(options.backend?.kind).toBe(
          'CACHE_BACKEND' in variables && 'MONGO_URL' in variables ? 'told' : 'memory',
        );
      }
    },
  );

  it('that cannot be one is named where Redis was chosen', async () => {
    await expect(addressFrom({ CACHE_BACKEND: 'redis', REDIS_URL: 'hunter2' })).rejects.toMatchObject({
      option: 'REDIS_URL',
      message: expect.not.stringContaining('hunter2') as unknown,
    });
  });
});

describe('an address without CACHE_BACKEND', () => {
  it.each([
    ['CACHE_URL', 'redis://u:hunter2@h', 'CACHE_BACKEND=redis,'],
    ['CACHE_URL', 'mongodb://u:hunter2@h', 'CACHE_BACKEND=mongo,'],
    ['REDIS_HOST', 'hunter2', 'CACHE_BACKEND=redis,'],
  ])('stops the start and says what to write: %s=%s', async (name, value, line) => {
    const failure = await optionsFromEnvironment({ [name]: value }, { redis: told }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CACHE_CONFIG', option: 'CACHE_BACKEND' });
    const { message } = failure as Error;
    for (const words of [name, line, 'CACHE_BACKEND=tiered', 'CACHE_BACKEND=memory']) expect(message).toContain(words);
    expect(message).not.toContain('hunter2');
  });

  it.each([
    ['it says memory', { CACHE_URL: 'redis://h', CACHE_BACKEND: 'memory' }, { redis: told }],
    ['REDIS_HOST is for another part of the application: redis was not given', { REDIS_HOST: 'h' }, {}],
    ['MONGO_URL may be that of the data', { MONGO_URL: 'mongodb://h' }, { mongo: told }],
    ['the cache is switched off', { CACHE_URL: 'redis://h', CACHE_ENABLED: 'false' }, { redis: told }],
  ])('does not stop it where %s', async (_, variables, backends) => {
    const { backend } = await optionsFromEnvironment(variables, backends);
    expect(backend?.kind ?? 'memory').toBe('memory');
  });
});

it('CACHE_COMPRESSION_THRESHOLD says from how many bytes on values are compressed', async () => {
  const codecOf = async (text: string) => (await optionsFromEnvironment({ CACHE_COMPRESSION_THRESHOLD: text })).codec;
  expect(await codecOf('32768')).toEqual({ compression: { threshold: 32_768 } });
  expect(await codecOf('0')).toEqual({ compression: { threshold: 0 } });
  expect(await codecOf('none')).toEqual({ compression: false });
  expect(await codecOf('')).toBeUndefined();
  await expect(codecOf('32k')).rejects.toMatchObject({ option: 'CACHE_COMPRESSION_THRESHOLD' });
});

describe('a variable that looks like one of ours and is none', () => {
  const warnings: string[] = [];
  beforeEach(() => {
    warnings.length = 0;
    Logger.overrideLogger({
      log: () => undefined,
      error: () => undefined,
      warn: (line: string) => void warnings.push(line),
    });
  });
  afterEach(() => Logger.overrideLogger(false));

  it('is warned of by name, without its value', async () => {
    await optionsFromEnvironment({ CACHE_TTL: 'hunter2', CACHE_BACKENDS: 'redis', CACHE_PREFIX: 'shop' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^CACHE_BACKENDS, CACHE_TTL are not variables .* CACHE_BACKEND,.* CACHE_DEFAULT_TTL,/);
    expect(warnings[0]).not.toContain('hunter2');
  });

  it('is none of those that the guide lists', async () => {
    const guide = await readFile(new URL('../../../../docs/guides/configuration.md', import.meta.url), 'utf8');
    const listed = [...new Set(guide.match(/\bCACHE_[A-Z0-9_]+\b/g))].filter((name) => process.env[name] === undefined);
    const variables = listed.filter((name) => guide.includes(`| \`${name}\``));
    expect(variables.length).toBeGreaterThan(9);
    await optionsFromEnvironment(Object.fromEntries(variables.map((name) => [name, ''])));
    expect(warnings).toEqual([]);
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

it('of an address of Redis that has everything but a database, the database is named', async () => {
  const made = addressFrom({ CACHE_BACKEND: 'redis', CACHE_URL: 'redis://host:6379/cats' });
  await expect(made).rejects.toThrow(/CACHE_URL: .*number of a database/);
});

/** A backend that only shows what it would have been made of. */
function told(options: object): BackendFactory {
  return { kind: 'told', told: options } as unknown as BackendFactory;
}

function neverChosen(): never {
  throw new Error('not chosen');
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
