import { expect } from '@jest/globals';
import type { CacheService } from '../../../lib/nest/cache.service.js';

/** Several caches of one application: none reads, lists, counts or clears what another has stored. */
export async function proveApart(caches: readonly CacheService[]): Promise<void> {
  const all = async (): Promise<unknown[]> => Promise.all(caches.map((cache) => cache.get('k')));
  for (const [number, cache] of caches.entries()) await cache.set('k', number, { tags: ['t'] });
  expect(await all()).toEqual(caches.map((_, number) => number));
  const removals: ((cache: CacheService) => Promise<unknown>)[] = [
    (cache) => cache.delete('k'),
    (cache) => cache.invalidateTags(['t']),
    (cache) => cache.invalidate('*'),
    (cache) => cache.clear(),
    (cache) => cache.clearEverything({ confirm: 'all tenants' }),
  ];
  for (const [number, cache] of caches.entries()) {
    for (const remove of removals) {
      await remove(cache);
      expect(await all()).toEqual(caches.map((_, other) => (other === number ? undefined : other)));
      await cache.set('k', number, { tags: ['t'] });
    }
    expect((await cache.stats()).size).toBe(1);
  }
}

/** What is counted beside the entries of a cache begins anew when these are cleared; in a cache of its own it goes on. */
export async function proveCountsApart(caches: readonly CacheService[]): Promise<void> {
  const [cache, limits] = caches as [CacheService, CacheService];
  const count = (of: CacheService): Promise<number> => of.namespace('limits').increment('calls', 1, { ttl: '1h' });
  const both = async (): Promise<number[]> => [await count(cache), await count(limits)];
  for (const each of [cache, limits]) await each.clearEverything({ confirm: 'all tenants' });
  expect(await both()).toEqual([1, 1]);
  await cache.namespace('other').clear();
  await cache.clearEverything({ confirm: 'all tenants', namespace: 'other' });
  expect(await both()).toEqual([2, 2]);
  await cache.clear();
  expect(await both()).toEqual([1, 3]);
  await cache.clearEverything({ confirm: 'all tenants', namespace: 'limits' });
  expect(await both()).toEqual([1, 4]);
  await cache.clearEverything({ confirm: 'all tenants' });
  expect(await both()).toEqual([1, 5]);
}
