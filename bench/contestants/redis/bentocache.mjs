/** Its Redis driver as the only level, with the default settings. */
import { BentoCache, bentostore } from 'bentocache';
import { redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';
import { TTL_MS } from '../index.mjs';
import { currentTenant, inRequest } from '../request.mjs';

export async function open({ url, prefix, usesTags }) {
  // A client of the same version as everybody's, told not to print its errors.
  const connection = new Redis(url);
  connection.on('error', () => undefined);
  const store = bentostore().useL2Layer(redisDriver({ connection }));
  const bento = new BentoCache({ default: 'redis', prefix, ttl: TTL_MS, stores: { redis: store } });
  let keyOf;
  return {
    inRequest,
    memoize(load, { key, tags }) {
      keyOf = key;
      return (arg) => {
        const tenant = currentTenant();
        return bento.getOrSet({
          key: `${tenant}:${key(arg)}`,
          factory: () => load(arg),
          ...(usesTags ? { tags: tags(arg).map((tag) => `${tenant}:${tag}`) } : {}),
        });
      };
    },
    delete: (arg) => bento.delete({ key: `${currentTenant()}:${keyOf(arg)}` }),
    deleteTag: (tag) => bento.deleteByTag({ tags: [`${currentTenant()}:${tag}`] }),
    clear: () => bento.clear(),
    close: () => bento.disconnectAll(),
  };
}
