/** Over @keyv/redis, as its README begins. */
import { createKeyv } from '@keyv/redis';
import { TTL_MS } from '../index.mjs';
import { currentTenant, inRequest } from '../request.mjs';

export async function open({ url, prefix }) {
  const cache = createKeyv(url, { namespace: prefix });
  cache.on('error', () => undefined);
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
        await cache.set(id, value, TTL_MS);
        return value;
      };
    },
    delete: (arg) => cache.delete(`${currentTenant()}:${keyOf(arg)}`),
    clear: () => cache.clear(),
    close: () => cache.disconnect(),
  };
}
