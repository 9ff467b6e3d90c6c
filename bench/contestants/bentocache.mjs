/** Its memory driver with the default settings: values as JSON, least recently used first to go. */
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export function open({ maxEntries, usesTags, serialize = true }) {
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: maxEntries, serialize }));
  const bento = new BentoCache({ default: 'memory', ttl: TTL_MS, stores: { memory: store } });
  let keyOf;
  // Tenants go into keys: a namespace of bentocache would have locks of its own, and there is one for each call.
  return {
    inRequest,
    memoize(load, { key, tags }) {
      keyOf = key;
      if (!usesTags)
        return (arg) => bento.getOrSet({ key: `${currentTenant()}:${key(arg)}`, factory: () => load(arg) });
      return (arg) => {
        const tenant = currentTenant();
        return bento.getOrSet({
          key: `${tenant}:${key(arg)}`,
          factory: () => load(arg),
          tags: tags(arg).map((tag) => `${tenant}:${tag}`),
        });
      };
    },
    delete: (arg) => bento.delete({ key: `${currentTenant()}:${keyOf(arg)}` }),
    deleteTag: (tag) => bento.deleteByTag({ tags: [`${currentTenant()}:${tag}`] }),
    clear: () => bento.clear(),
  };
}
