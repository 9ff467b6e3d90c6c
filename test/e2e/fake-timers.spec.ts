/**
 * The timers of Jest, with its defaults: `setTimeout`, `setImmediate`, `nextTick`, `queueMicrotask`, `performance` and
 * `Date` stand still. Time is what the test says; calls to servers, and turns for others, go on.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import mongoose, { type Connection } from 'mongoose';
import { createRequire } from 'node:module';
import {
  CACHE_CONTEXT,
  type CacheContext,
  CacheModule,
  CacheService,
  memory,
  tiered,
  type BackendFactory,
  type CacheModuleOptions,
} from '../../lib/index.js';
import { machineClock } from '../../lib/core/clock.js';
import { mongo } from '../../lib/mongo.js';
import { redis, redisBus } from '../../lib/redis.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';

const mongoose8 = createRequire(import.meta.url)('mongoose-8') as typeof mongoose;
const TTL_MS = 5 * 60_000;
/** What is tested is that servers answer, not how soon the machine lets a first connection through. */
const PATIENT = { timeout: '5s', connectTimeout: '20s', requireOnBoot: true } as const;

let opened: TestingModule | undefined;
/** What the application has opened itself. */
const ends: (() => Promise<unknown>)[] = [];
const endLater = (end: () => Promise<unknown>): number => ends.push(end);
afterEach(async () => {
  await opened?.close();
  opened = undefined;
  jest.useRealTimers();
  await Promise.all(ends.splice(0).map((end) => end()));
});

async function cacheWith(options: CacheModuleOptions): Promise<ReturnType<CacheService['tenant']>> {
  const all = { prefix: randomPrefix(), defaults: { ttl: TTL_MS }, ...options };
  opened = await Test.createTestingModule({ imports: [CacheModule.forRoot(all)] }).compile();
  await opened.init();
  return opened.get(CacheService).tenant('acme');
}

/** Every kind of call, none of which needs time to pass. Longer lists take turns with others. */
async function everyVerb(cache: ReturnType<CacheService['tenant']>): Promise<void> {
  const loader = jest.fn(async () => 'Tom');
  expect(await cache.getOrSet('cat', loader)).toBe('Tom');
  expect(await cache.getOrSet('cat', loader)).toBe('Tom');
  expect(loader).toHaveBeenCalledTimes(1);
  await cache.setMany(Array.from({ length: 40 }, (_, at) => [`dog ${at}`, at] as const));
  expect([...(await cache.getMany(['dog 1', 'dog 2'])).values()]).toEqual([1, 2]);
  expect(await cache.increment('count')).toBe(1);
  expect(await cache.expire('cat', '1h')).toBe(true);
  await cache.set('tagged', 1, { tags: ['some'] });
  await cache.invalidateTags(['some']);
  expect(await cache.get('tagged')).toBeUndefined();
  expect(await cache.invalidate('dog 1*')).toBe(11);
  expect(await cache.delete('dog 2')).toBe(true);
  const keys: string[] = [];
  for await (const key of cache.keys()) keys.push(key);
  expect(keys.length).toBe(30);
  expect(await cache.clear()).toBe(30);
  expect(await cache.get('cat')).toBeUndefined();
}

const MEMORY: Record<string, () => BackendFactory> = { memory: () => memory() };

function behavesUnderFakes(backends: Readonly<Record<string, () => BackendFactory>>): void {
  it.each(Object.keys(backends))('%s answers every verb when timers are replaced after the start', async (name) => {
    const cache = await cacheWith({ backend: backends[name]!() });
    jest.useFakeTimers();
    await everyVerb(cache);
  });

  it.each(Object.keys(backends))(
    '%s starts, answers every verb and closes where they were replaced before',
    async (name) => {
      jest.useFakeTimers();
      const cache = await cacheWith({ backend: backends[name]!() });
      await everyVerb(cache);
      await opened?.close();
      opened = undefined;
    },
  );
}

describe('fake timers of Jest', () => {
  behavesUnderFakes(MEMORY);

  const loads = (): jest.Mock<() => Promise<string>> => jest.fn(async () => 'Tom');

  it.each([
    ['stored before they are replaced', () => undefined, () => jest.useFakeTimers()],
    ['stored after it', () => jest.useFakeTimers(), () => undefined],
  ])('an entry in memory that is %s expires when the test moves time on by its ttl', async (_, before, after) => {
    before();
    const cache = await cacheWith({});
    const loader = loads();
    await cache.getOrSet('cat', loader);
    after();
    jest.advanceTimersByTime(TTL_MS - 1_000);
    await cache.getOrSet('cat', loader);
    expect(loader).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(1_000);
    await cache.getOrSet('cat', loader);
    expect(loader).toHaveBeenCalledTimes(2);
  });

  it('so it does where `performance` is left as it is', async () => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    const cache = await cacheWith({});
    await cache.set('cat', 'Tom');
    jest.advanceTimersByTime(TTL_MS);
    expect(await cache.get('cat')).toBeUndefined();
  });

  it('another date is no time that passes', async () => {
    jest.useFakeTimers();
    const cache = await cacheWith({});
    await cache.set('cat', 'Tom');
    jest.setSystemTime(new Date('2040-01-01'));
    expect(await cache.get('cat')).toBe('Tom');
    jest.setSystemTime(new Date('1999-01-01'));
    expect(await cache.get('cat')).toBe('Tom');
  });

  it('what has passed stays so when the timers are real again, and goes on from there', async () => {
    const cache = await cacheWith({});
    jest.useFakeTimers();
    await cache.set('cat', 'Tom');
    jest.advanceTimersByTime(TTL_MS / 2);
    jest.useRealTimers();
    const ttl = await cache.ttl('cat');
    expect(ttl).toBeLessThanOrEqual(TTL_MS / 2);
    expect(ttl).toBeGreaterThan(TTL_MS / 2 - 10_000);
    jest.useFakeTimers();
    jest.advanceTimersByTime(TTL_MS / 2);
    expect(await cache.get('cat')).toBeUndefined();
  });

  it('a hard timeout is what the test says', async () => {
    jest.useFakeTimers();
    const cache = await cacheWith({});
    const slow = cache.getOrSet('cat', () => new Promise((resolve) => setTimeout(resolve, 60_000)), {
      hardTimeout: '1s',
    });
    slow.catch(() => undefined);
    await jest.advanceTimersByTimeAsync(1_000);
    await expect(slow).rejects.toMatchObject({ code: 'CACHE_LOADER_TIMEOUT' });
  });

  it('a load is stored however much of the time of a test it takes', async () => {
    jest.useFakeTimers();
    const cache = await cacheWith({});
    const loading = cache.getOrSet('cat', () => new Promise((resolve) => setTimeout(() => resolve('Tom'), 60_000)));
    jest.advanceTimersByTime(60_000);
    expect(await loading).toBe('Tom');
    expect(await cache.get('cat')).toBe('Tom');
  });
});

describeWithRedis('fake timers of Jest, on Redis', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  behavesUnderFakes({
    redis: () => redis({ url: server.url, ...PATIENT }),
    'a client of the application': () => {
      const client = new Redis(server.url);
      endLater(async () => client.disconnect());
      return redis({ client, ...PATIENT });
    },
    'two levels': () => tiered({ l1: memory(), l2: redis({ url: server.url, ...PATIENT }) }),
    'two levels with sharded channels': () =>
      tiered({ l1: memory(), l2: redis({ url: server.url, ...PATIENT, pubSub: 'sharded' }) }),
  });

  it('time on the server is its own, whatever the test says', async () => {
    const cache = await cacheWith({ backend: redis({ url: server.url, timeout: '5s' }) });
    await cache.set('short', 1, { ttl: '50ms' });
    jest.useFakeTimers();
    await cache.set('cat', 'Tom');
    jest.advanceTimersByTime(2 * TTL_MS);
    expect(await cache.get('cat')).toBe('Tom');
    await machineClock.sleep(60);
    expect(await cache.get('short')).toBeUndefined();
  });

  it('a caller that waits for the load of another process goes on waiting, and gets its value', async () => {
    jest.useFakeTimers();
    const [prefix, backend] = [randomPrefix(), redis({ url: server.url, timeout: '5s' })];
    const cache = await cacheWith({ backend, prefix });
    const other = await Test.createTestingModule({ imports: [CacheModule.forRoot({ backend, prefix })] }).compile();
    let land = (_: string): void => undefined;
    let isBegun = (): void => undefined;
    const begun = new Promise<void>((resolve) => (isBegun = resolve));
    const loading = cache.getOrSet('cat', () => {
      isBegun();
      return new Promise<string>((resolve) => (land = resolve));
    });
    await begun;
    const waiting = other
      .get(CacheService)
      .tenant('acme')
      .getOrSet('cat', async () => 'loaded twice');
    await machineClock.sleep(20);
    land('Tom');
    expect(await Promise.all([loading, waiting])).toEqual(['Tom', 'Tom']);
    await other.close();
  });

  it('what a test holds back is carried out in no scope, whoever asks a server meanwhile', async () => {
    const cache = await cacheWith({ backend: redis({ url: server.url, timeout: '5s' }) });
    const context = opened!.get<CacheContext>(CACHE_CONTEXT);
    jest.useFakeTimers();
    const seen: unknown[] = [];
    process.nextTick(() => seen.push(context.current()));
    await opened!.get(CacheService).runInScope({ tenant: 'acme' }, () => cache.get('cat'));
    for (let tries = 0; tries < 100 && seen.length === 0; tries++) await machineClock.sleep(1);
    expect(seen).toEqual([undefined]);
  });

  it('a server that hangs costs a read one timeout, and one that comes back is found, although no timer of the test fires', async () => {
    const other = await RedisProcess.start();
    jest.useFakeTimers();
    const cache = await cacheWith({ backend: redis({ url: other.url, timeout: '100ms', pause: '10ms', failures: 1 }) });
    await cache.set('cat', 'Tom');
    other.halt();
    expect(await cache.getOrSet('cat', async () => 'loaded')).toBe('loaded');
    await other.kill();
    expect(await cache.getOrSet('cat', async () => 'loaded')).toBe('loaded');
    await other.begin();
    for (
      let tries = 0;
      tries < 500 &&
      !(await cache.ping().then(
        () => true,
        () => false,
      ));
      tries++
    )
      await machineClock.sleep(10);
    expect(await cache.getOrSet('cat', async () => 'new')).toBe('new');
    expect(await cache.get('cat')).toBe('new');
    await opened?.close();
    opened = undefined;
    jest.useRealTimers();
    await other.stop();
  });
});

describeWithMongo('fake timers of Jest, on MongoDB', () => {
  let server: MongoProcess;
  let bus: RedisProcess;
  beforeAll(async () => {
    [server, bus] = await Promise.all([MongoProcess.start(), RedisProcess.start()]);
  });
  afterAll(() => Promise.all([server.stop(), bus.stop()]));
  const connectedBy = ({ createConnection }: typeof mongoose): Connection => {
    const connection = createConnection(server.url);
    endLater(() => connection.close());
    return connection;
  };

  behavesUnderFakes({
    mongo: () => mongo({ uri: server.url, ...PATIENT }),
    'a connection of mongoose 9': () => mongo({ connection: connectedBy(mongoose), ...PATIENT }),
    'a connection of mongoose 8': () => mongo({ connection: connectedBy(mongoose8), ...PATIENT }),
    'two levels': () => tiered({ l1: memory(), l2: mongo({ uri: server.url, ...PATIENT }) }),
    'two levels with a bus on Redis': () =>
      tiered({
        l1: memory(),
        l2: mongo({ uri: server.url, ...PATIENT }),
        bus: { via: redisBus({ url: bus.url }) },
      }),
  });
});
