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
