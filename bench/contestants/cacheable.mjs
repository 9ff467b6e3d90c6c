/** getOrSet; with tags get and set, because getOrSet passes none on. */
import { Cacheable } from 'cacheable';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export function open({ usesTags }) {
  const cache = new Cacheable({ ttl: TTL_MS, tags: usesTags });
  let keyOf;
  return {
    inRequest,
    memoize(load, { key, tags }) {
      keyOf = key;
      if (!usesTags) return (arg) => cache.getOrSet(`${currentTenant()}:${key(arg)}`, () => load(arg));
      return async (arg) => {
        const tenant = currentTenant();
        const id = `${tenant}:${key(arg)}`;
        const known = await cache.get(id);
        if (known !== undefined) return known;
        const value = await load(arg);
        await cache.set(id, value, { ttl: TTL_MS, tags: tags(arg).map((tag) => `${tenant}:${tag}`) });
        return value;
      };
    },
    delete: (arg) => cache.delete(`${currentTenant()}:${keyOf(arg)}`),
    deleteTag: (tag) => cache.tags.invalidateTag(`${currentTenant()}:${tag}`),
    clear: () => cache.clear(),
  };
}
