/** Who takes part in the benches on MongoDB, each as its documentation says. Answers are plain objects by a key. */
import { AsyncLocalStorage } from 'node:async_hooks';

const TTL_MS = 3_600_000;

export const CONTESTANTS = {
  'findOne + updateOne': openFloor,
  'nestjs-scoped-cache': openOurs,
  keyv: openKeyv,
  'cache-manager': openCacheManager,
};

export const PACKAGES = ['mongoose', 'keyv', '@keyv/mongo', 'cache-manager', '@nestjs/core'];

/** By `_id`, which is indexed, with the value as a document: nothing is checked, nothing is shared by callers. */
async function openFloor(url) {
  const { mongo } = await import('mongoose');
  const client = new mongo.MongoClient(url, { maxPoolSize: 10 });
  const collection = client.db().collection('floor');
  const tenants = new AsyncLocalStorage();
  const nameOf = (key) => `${tenants.getStore()}:${key}`;
  return {
    as: (tenant, work) => tenants.run(tenant, work),
    async load(key, loader) {
      const found = await collection.findOne({ _id: nameOf(key) });
      if (found !== null && found.x > Date.now()) return found.v;
      const value = await loader();
      await collection.updateOne(
        { _id: nameOf(key) },
        { $set: { v: value, x: Date.now() + TTL_MS } },
        { upsert: true },
      );
      return value;
    },
    evict: (key) => collection.deleteOne({ _id: nameOf(key) }),
    close: () => client.close(),
  };
}

async function openOurs(url) {
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { CacheModule, CacheService } = await import('nestjs-scoped-cache');
  const { mongo } = await import('nestjs-scoped-cache/mongo');
  class AppModule {}
  const options = {
    backend: mongo({ uri: url, timeout: '10s' }),
    scope: { default: 'tenant' },
    defaults: { ttl: TTL_MS },
  };
  Module({ imports: [CacheModule.forRoot(options)] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const cache = app.get(CacheService);
  return {
    as: (tenant, work) => cache.runInScope({ tenant }, work),
    load: (key, loader, tags) => cache.getOrSet(key, loader, tags === undefined ? undefined : { tags }),
    evict: (key) => cache.delete(key),
    get: (key) => cache.get(key),
    fill: (entries, tags) => cache.setMany(entries, { tags }),
    dropTag: (tag) => cache.invalidateTags([tag]),
    close: () => app.close(),
  };
}

async function openKeyv(url) {
  const [{ default: Keyv }, { default: KeyvMongo }] = await Promise.all([import('keyv'), import('@keyv/mongo')]);
  const store = new Keyv({ store: new KeyvMongo(url, { collection: 'keyv' }), namespace: 'keyv' });
  return overKeyv(
    (key) => store.get(key),
    (key, value) => store.set(key, value, TTL_MS),
    (key) => store.delete(key),
    () => store.disconnect(),
  );
}

async function openCacheManager(url) {
  const [{ default: Keyv }, { default: KeyvMongo }, { createCache }] = await Promise.all([
    import('keyv'),
    import('@keyv/mongo'),
    import('cache-manager'),
  ]);
  const cache = createCache({ stores: [new Keyv({ store: new KeyvMongo(url, { collection: 'cm' }) })], ttl: TTL_MS });
  return overKeyv(
    (key) => cache.get(key),
    (key, value) => cache.set(key, value),
    (key) => cache.del(key),
    () => cache.disconnect(),
  );
}

function overKeyv(get, set, remove, close) {
  const tenants = new AsyncLocalStorage();
  const nameOf = (key) => `${tenants.getStore()}:${key}`;
  return {
    as: (tenant, work) => tenants.run(tenant, work),
    async load(key, loader) {
      const known = await get(nameOf(key));
      if (known !== undefined && known !== null) return known;
      const value = await loader();
      await set(nameOf(key), value);
      return value;
    },
    evict: (key) => remove(nameOf(key)),
    close,
  };
}
