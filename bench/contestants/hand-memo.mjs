/** The floor: what one writes by hand around lru-cache. No copies, no single flight, no invalidation but by key. */
import { LRUCache } from 'lru-cache';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export function open({ maxEntries }) {
  const memo = new LRUCache({ max: maxEntries, ttl: TTL_MS });
  let keyOf;
  return {
    inRequest,
    memoize(load, { key }) {
      keyOf = key;
      return async (arg) => {
        const id = `${currentTenant()}:${key(arg)}`;
        const known = memo.get(id);
        if (known !== undefined) return known;
        const value = await load(arg);
        memo.set(id, value);
        return value;
      };
    },
    async delete(arg) {
      memo.delete(`${currentTenant()}:${keyOf(arg)}`);
    },
    async clear() {
      memo.clear();
    },
  };
}
