/** The guide for those who come from @nestjs/cache-manager: each of its lines, with that library and with this one. */
import { CACHE_MANAGER, CacheModule as ModuleBefore, type Cache } from '@nestjs/cache-manager';
import KeyvRedis from '@keyv/redis';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Keyv } from 'keyv';
import { CacheModule, CacheService, memory, tiered, type CacheEvent } from 'nestjs-scoped-cache';
import { redis } from 'nestjs-scoped-cache/redis';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { Apps } from './migrating/apps.js';
import { SAME } from './migrating/calls.js';
import { ControllerAfter, ControllerBefore } from './migrating/controllers.js';
import { sourceOf } from './ids.js';

const guide = sourceOf('docs/guides/migrating-from-nestjs-cache-manager.md');
const apps = new Apps();

afterEach(() => apps.close());

const before = (...modules: Parameters<typeof ModuleBefore.register>): Promise<Cache> =>
  apps.get({ imports: [ModuleBefore.register(...modules)] }, CACHE_MANAGER);
const after = (options: Parameters<typeof CacheModule.forRoot>[0] = {}): Promise<CacheService> =>
  apps.get({ imports: [CacheModule.forRoot(options)] }, CacheService);

/** The first cells of a section's table. */
function rowsOf(heading: string): readonly string[] {
  const section = guide.split(`\n### ${heading}\n`)[1]?.split('\n#')[0] ?? '';
  return Array.from(section.matchAll(/^\| `([^`]+)`/gm), ([, cell = '']) => cell);
}

describe('calls', () => {
  it('each row of the guide is proven below', () => {
    expect(rowsOf('Calls')).toEqual(Object.keys(SAME));
  });

  it.each(Object.entries(SAME))('%s: the same is seen', async (_, row) => {
    expect(await row.after(await after())).toEqual(await row.before(await before()));
  });

  it('by class, or by token as before', async () => {
    @Injectable()
    class Cats {
      constructor(readonly cache: CacheService) {}
    }
    const cats = await apps.get({ imports: [CacheModule.forRoot()], providers: [Cats] }, Cats);
    expect(cats.cache).toBeInstanceOf(CacheService);
  });
});

describe("routes of Nest's sample 20-cache", () => {
  const paths = ['/', '/', '/items/1', '/items/2', '/items/1', '/named', '/named', '/now', '/now'];

  it('answer the same requests in the same way', async () => {
    const old = await apps.ask({ imports: [ModuleBefore.register()], controllers: [ControllerBefore] }, ...paths);
    const now = await apps.ask({ imports: [CacheModule.forRoot()], controllers: [ControllerAfter] }, ...paths);
    expect(now).toEqual(old);
    // Not by accident: what is cached ran once, what is left out each time.
    expect(old.map((answer) => (answer as { run: number }).run)).toEqual([1, 1, 2, 3, 2, 4, 4, 5, 6]);
  });

  it('a query string that no parameter reads is another entry there, and none here', async () => {
    const asked = ['/?page=1', '/?page=2'];
    const old = await apps.ask({ imports: [ModuleBefore.register()], controllers: [ControllerBefore] }, ...asked);
    const now = await apps.ask({ imports: [CacheModule.forRoot()], controllers: [ControllerAfter] }, ...asked);
    expect(old.map((answer) => (answer as { run: number }).run)).toEqual([1, 2]);
    expect(now.map((answer) => (answer as { run: number }).run)).toEqual([1, 1]);
  });
});

describe('the module', () => {
  it('a ttl for all: register({ ttl: 5000 }), forRoot({ defaults: { ttl: 5s } })', async () => {
    const old = await before({ ttl: 5_000 });
    await old.set('a', 1);
    const now = await after({ defaults: { ttl: '5s' } });
    await now.set('a', 1);
    expect((await old.ttl('a'))! - Date.now()).toBeLessThanOrEqual(5_000);
    expect(await now.ttl('a')).toBeLessThanOrEqual(5_000);
  });

  it('without one entries have no end there, and an hour here', async () => {
    const [old, now] = [await before(), await after()];
    await old.set('a', 1);
    await now.set('a', 1);
    expect(await old.ttl('a')).toBeUndefined();
    expect(await now.ttl('a')).toBeGreaterThan(3_500_000);
    expect(await now.ttl('a')).toBeLessThanOrEqual(3_600_000);
  });

  it('registerAsync, forRootAsync: options that others help to make', async () => {
    const useFactory = async (): Promise<{ ttl: number }> => ({ ttl: 5_000 });
    const old = await apps.get<Cache>({ imports: [ModuleBefore.registerAsync({ useFactory })] }, CACHE_MANAGER);
    const made = async (): Promise<object> => ({ defaults: await useFactory() });
    const now = await apps.get({ imports: [CacheModule.forRootAsync({ useFactory: made })] }, CacheService);
    await old.set('a', 1);
    await now.set('a', 1);
    expect([await old.ttl('a'), await now.ttl('a')]).toEqual([expect.any(Number), expect.any(Number)]);
  });

  it('isGlobal has to be said there, and is so here', async () => {
    @Injectable()
    class Cats {
      constructor(readonly cache: CacheService) {}
    }
    @Module({ providers: [Cats] })
    class CatsModule {}
    await expect(apps.get({ imports: [CacheModule.forRoot(), CatsModule] }, Cats)).resolves.toBeInstanceOf(Cats);
  });

  it('in every feature module: a second one without a name stops the start and says where it is', async () => {
    @Module({ imports: [CacheModule.forRoot({ defaults: { ttl: '1m' } })] })
    class CatsModule {}
    const twice = apps.start({ imports: [CacheModule.forRoot(), CatsModule] });
    await expect(twice).rejects.toThrow(/CatsModule/);
  });
});

describe('what is otherwise', () => {
  it('one object is changed for all there, unless told: here each reader has its own', async () => {
    const [old, now] = [await before(), await after()];
    for (const cache of [old, now]) await cache.set('cat', { name: 'Tom' });
    ((await old.get('cat')) as { name: string }).name = 'changed';
    ((await now.get('cat')) as { name: string }).name = 'changed';
    expect([await old.get('cat'), await now.get('cat')]).toEqual([{ name: 'changed' }, { name: 'Tom' }]);
  });

  it('undefined is stored by wrap() as nothing and loaded again, in both; null is a value in both', async () => {
    const runs = { old: 0, now: 0 };
    const [old, now] = [await before(), await after()];
    for (let call = 0; call < 2; call++) {
      await old.wrap('none', async () => void runs.old++);
      await now.getOrSet('none', async () => void runs.now++);
      await old.wrap('null', async () => null);
      await now.getOrSet('null', async () => null);
    }
    expect(runs).toEqual({ old: 2, now: 2 });
    expect([await old.get('null'), await now.get('null')]).toEqual([null, null]);
  });

  it('instances of classes are kept as they are there, and refused here until they are registered', async () => {
    class Cat {
      constructor(readonly name: string) {}
    }
    const [old, now] = [await before(), await after()];
    await old.set('cat', new Cat('Tom'));
    expect(await old.get('cat')).toBeInstanceOf(Cat);
    await expect(now.set('cat', new Cat('Tom'))).rejects.toThrow('codec: { types: [Cat] }');
    const registered = await after({ codec: { types: [Cat] } });
    await registered.set('cat', new Cat('Tom'));
    expect(await registered.get('cat')).toBeInstanceOf(Cat);
  });

  it('a bare 0 is no ttl: it says so', async () => {
    await expect((await after()).set('a', 1, { ttl: 0 })).rejects.toThrow(/ttl/);
  });

  it("cache.on('set'): an observer is told, without key and value", async () => {
    const told: unknown[] = [];
    const heard: CacheEvent[] = [];
    const old = await before();
    old.on('set', (event) => told.push(event));
    const now = await after({ observers: [(event) => void heard.push(event)] });
    await old.set('a', 'secret');
    await now.set('a', 'secret');
    expect(JSON.stringify(told)).toContain('secret');
    expect(heard.map(({ type }) => type)).toContain('write');
    expect(JSON.stringify(heard)).not.toContain('secret');
  });
});

describeWithRedis('stores', () => {
  it('one on Redis, and memory before it: processes share entries, as before', async () => {
    const server = await RedisProcess.start();
    try {
      const old = async (): Promise<Cache> => before({ stores: [new Keyv({ store: new KeyvRedis(server.url) })] });
      const prefix = randomPrefix();
      const now = async (): Promise<CacheService> => after({ backend: redis({ url: server.url }), prefix });
      const both = async (): Promise<CacheService> =>
        after({ backend: tiered({ l1: memory(), l2: redis({ url: server.url }) }), prefix: `${prefix}-2` });
      const [one, other] = [await old(), await old()];
      await one.set('a', { n: 1 });
      expect(await other.get('a')).toEqual({ n: 1 });
      for (const start of [now, both]) {
        const [first, second] = [await start(), await start()];
        await first.set('a', { n: 1 });
        expect(await second.get('a')).toEqual({ n: 1 });
        await second.delete('a');
        // On Redis alone that is so for all at once; copies in memory follow with a message.
        if (start === now) expect(await first.get('a', { default: 'gone' })).toBe('gone');
      }
    } finally {
      await apps.close();
      await server.stop();
    }
  });
});
