/** One store, @keyv/redis, as its README shows it, and `wrap`. */
import { createKeyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { TTL_MS } from '../index.mjs';
import { currentTenant, inRequest } from '../request.mjs';

export async function open({ url, prefix }) {
  const store = createKeyv(url, { namespace: prefix });
  store.on('error', () => undefined);
  const cache = createCache({ stores: [store], ttl: TTL_MS });
  let keyOf;
  return {
    inRequest,
    memoize(load, { key }) {
      keyOf = key;
      return (arg) => cache.wrap(`${currentTenant()}:${key(arg)}`, () => load(arg));
    },
    delete: (arg) => cache.del(`${currentTenant()}:${keyOf(arg)}`),
    clear: () => cache.clear(),
    close: () => cache.disconnect(),
  };
}
