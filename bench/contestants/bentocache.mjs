/** Its memory driver with the default settings: values as JSON, least recently used first to go. */
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export function open({ maxEntries, usesTags, serialize = true }) {
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: maxEntries, serialize }));
  const bento = new BentoCache({ default: 'memory', ttl: TTL_MS, stores: { memory: store } });
  let keyOf;
  return {
    inRequest,
    memoize(load, { key, tags }) {
      keyOf = key;
      if (!usesTags) {
        return (arg) => bento.namespace(currentTenant()).getOrSet({ key: key(arg), factory: () => load(arg) });
      }
      return (arg) => bento.namespace(currentTenant()).getOrSet({ key: key(arg), factory: () => load(arg), tags: tags(arg) });
    },
    delete: (arg) => bento.namespace(currentTenant()).delete({ key: keyOf(arg) }),
    deleteTag: (tag) => bento.namespace(currentTenant()).deleteByTag({ tags: [tag] }),
    clear: () => bento.namespace(currentTenant()).clear(),
  };
}
