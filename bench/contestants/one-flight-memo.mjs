/** What one writes by hand around lru-cache when callers of one moment are to share a load. No copies, no invalidation. */
import { LRUCache } from 'lru-cache';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export function open({ maxEntries }) {
  const memo = new LRUCache({ max: maxEntries, ttl: TTL_MS });
  const underWay = new Map();
  return {
    inRequest,
    memoize(load, { key }) {
      const loadOnce = async (id, arg) => {
        try {
          const value = await load(arg);
          memo.set(id, value);
          return value;
        } finally {
          underWay.delete(id);
        }
      };
      return async (arg) => {
        const id = `${currentTenant()}:${key(arg)}`;
        const known = memo.get(id);
        if (known !== undefined) return known;
        const found = underWay.get(id);
        if (found !== undefined) return found;
        const loading = loadOnce(id, arg);
        underWay.set(id, loading);
        return loading;
      };
    },
  };
}
