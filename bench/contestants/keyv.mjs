/** Its default store: a Map without a bound, values as JSON. */
import { Keyv } from 'keyv';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export function open() {
  const cache = new Keyv({ ttl: TTL_MS });
  let keyOf;
  return {
    inRequest,
    memoize(load, { key }) {
      keyOf = key;
      return async (arg) => {
        const id = `${currentTenant()}:${key(arg)}`;
        const known = await cache.get(id);
        if (known !== undefined) return known;
        const value = await load(arg);
        await cache.set(id, value);
        return value;
      };
    },
    delete: (arg) => cache.delete(`${currentTenant()}:${keyOf(arg)}`),
    clear: () => cache.clear(),
  };
}
