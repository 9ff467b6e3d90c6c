/** The rows of the guide about calls: one caller's steps with either cache, and what it saw. */
import type { Cache } from '@nestjs/cache-manager';
import type { CacheService } from 'nestjs-scoped-cache';

export interface Row {
  before(cache: Cache): Promise<unknown>;
  after(cache: CacheService): Promise<unknown>;
}

/** Counts its runs. */
function counted(): { load: () => Promise<number>; runs: () => number } {
  let runs = 0;
  return { load: async () => ++runs, runs: () => runs };
}

/** By what the guide has in the first column. Both sides see the same. */
export const SAME: Readonly<Record<string, Row>> = {
  'get(key)': {
    before: async (cache) => [await cache.get('none'), await cache.set('a', { n: 1 }), await cache.get('a')],
    after: async (cache) => [await cache.get('none'), (await cache.set('a', { n: 1 }), { n: 1 }), await cache.get('a')],
  },
  'set(key, value, 5000)': {
    before: async (cache) => (await cache.set('a', 1, 5_000), near((await cache.ttl('a'))! - Date.now())),
    after: async (cache) => (await cache.set('a', 1, { ttl: '5s' }), near((await cache.ttl('a')) as number)),
  },
  'set(key, value, 0)': {
    before: async (cache) => (await cache.set('a', 1, 0), [await cache.get('a'), (await cache.ttl('a')) ?? 'no end']),
    after: async (cache) => (
      await cache.set('a', 1, { ttl: null }),
      [await cache.get('a'), (await cache.ttl('a')) ?? 'no end']
    ),
  },
  'del(key)': {
    before: async (cache) => (await cache.set('a', 1), await cache.del('a'), [await cache.get('a')]),
    after: async (cache) => (await cache.set('a', 1), await cache.delete('a'), [await cache.get('a')]),
  },
  'wrap(key, fn, 5000)': {
    before: async (cache) => {
      const { load, runs } = counted();
      const answers = await Promise.all([cache.wrap('a', load, 5_000), cache.wrap('a', load, 5_000)]);
      return [...answers, await cache.wrap('a', load, 5_000), runs()];
    },
    after: async (cache) => {
      const { load, runs } = counted();
      const ask = (): Promise<number> => cache.getOrSet('a', load, { ttl: '5s' });
      return [...(await Promise.all([ask(), ask()])), await ask(), runs()];
    },
  },
  'mget(keys)': {
    before: async (cache) => (await cache.set('a', 1), await cache.set('c', 3), await cache.mget(['a', 'b', 'c'])),
    after: async (cache) => {
      await cache.set('a', 1);
      await cache.set('c', 3);
      const keys: readonly string[] = ['a', 'b', 'c'];
      const found = await cache.getMany(keys);
      return keys.map((key) => found.get(key));
    },
  },
  'mset(list)': {
    before: async (cache) => {
      await cache.mset([
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
      ]);
      return [await cache.get('a'), await cache.get('b')];
    },
    after: async (cache) => {
      await cache.setMany([
        ['a', 1],
        ['b', 2],
      ]);
      return [await cache.get('a'), await cache.get('b')];
    },
  },
  'mdel(keys)': {
    before: async (cache) => (await cache.set('a', 1), await cache.mdel(['a', 'b']), [await cache.get('a')]),
    after: async (cache) => (await cache.set('a', 1), await cache.deleteMany(['a', 'b']), [await cache.get('a')]),
  },
  'ttl(key)': {
    before: async (cache) => [
      await cache.ttl('none'),
      (await cache.set('a', 1, 5_000), near((await cache.ttl('a'))! - Date.now())),
    ],
    after: async (cache) => [
      await cache.ttl('none'),
      (await cache.set('a', 1, { ttl: '5s' }), near((await cache.ttl('a')) as number)),
    ],
  },
  'clear()': {
    before: async (cache) => (await cache.set('a', 1), await cache.clear(), [await cache.get('a')]),
    after: async (cache) => (await cache.set('a', 1), await cache.clear(), [await cache.get('a')]),
  },
  'stores[0].iterator()': {
    before: async (cache) => {
      await cache.set('a', 1);
      const keys: string[] = [];
      for await (const [key] of cache.stores[0]?.iterator?.(undefined) ?? []) keys.push(String(key));
      return keys;
    },
    after: async (cache) => {
      await cache.set('a', 1);
      const keys: string[] = [];
      for await (const key of cache.keys()) keys.push(key);
      return keys;
    },
  },
};

/** A span of five seconds, of which little has passed. */
function near(ms: number): boolean {
  return ms > 4_000 && ms <= 5_000;
}
