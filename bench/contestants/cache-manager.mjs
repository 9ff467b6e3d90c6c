/** Its default store: a Map without a bound, values shared with whoever reads them. */
import { createCache } from 'cache-manager';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export function open() {
  const cache = createCache({ ttl: TTL_MS });
  let keyOf;
  return {
    inRequest,
    memoize(load, { key }) {
      keyOf = key;
      return (arg) => cache.wrap(`${currentTenant()}:${key(arg)}`, () => load(arg));
    },
    delete: (arg) => cache.del(`${currentTenant()}:${keyOf(arg)}`),
    clear: () => cache.clear(),
  };
}
