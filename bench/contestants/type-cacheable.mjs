/** The decorator over lru-cache, with a key of its own: the default hashes the arguments, the method and the object. */
import { Cacheable } from '@type-cacheable/core';
import { LRUCacheAdapter } from '@type-cacheable/lru-cache-adapter';
import { LRUCache } from 'lru-cache';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export function open({ maxEntries }) {
  const client = new LRUCacheAdapter(new LRUCache({ max: maxEntries, ttl: TTL_MS }));
  let keyOf;
  return {
    inRequest,
    memoize(load, { key }) {
      keyOf = key;
      class Service {
        find(arg) {
          return load(arg);
        }
      }
      const options = { client, ttlSeconds: TTL_MS / 1000, cacheKey: ([arg]) => `${currentTenant()}:${key(arg)}` };
      const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, 'find');
      Object.defineProperty(Service.prototype, 'find', Cacheable(options)(Service.prototype, 'find', descriptor));
      const service = new Service();
      return (arg) => service.find(arg);
    },
    delete: (arg) => client.del(`${currentTenant()}:${keyOf(arg)}`),
    clear: async () => client.del(await client.keys(`^${currentTenant()}:`)),
  };
}
