/** This library in a Nest application with the default settings: scoped, copied, bounded. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheEvict, CacheModule, CacheService, Cacheable, memory } from 'nestjs-scoped-cache';
import { TTL_MS } from './index.mjs';

export async function open({
  maxEntries,
  usesTags,
  isolate,
  namespace,
  observers,
  prefix,
  codec,
  policy: ownPolicy,
  backend = memory({ maxEntries, maxBytes: 2 ** 31, isolate }),
}) {
  let load;
  let tagsOf;
  class Service {
    find(arg) {
      return load(arg);
    }

    async change(_arg) {}
  }
  const policy = { ttl: TTL_MS, namespace, ...ownPolicy, ...(usesTags ? { tags: (arg) => tagsOf(arg) } : {}) };
  decorate(Service, 'find', Cacheable(policy));
  decorate(Service, 'change', CacheEvict({ method: 'find' }));
  class AppModule {}
  const options = { backend, prefix, codec, observers, scope: { default: 'tenant' } };
  Module({ imports: [CacheModule.forRoot(options)], providers: [Service] })(AppModule);

  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const cache = app.get(CacheService);
  const service = app.get(Service);
  return {
    inRequest: (tenant, work) => cache.runInScope({ tenant }, work),
    memoize(loadOne, { tags }) {
      load = loadOne;
      tagsOf = tags;
      return (arg) => service.find(arg);
    },
    byHand: (loadOne) => (arg) => cache.getOrSet(arg, () => loadOne(arg), { ttl: TTL_MS }),
    totals: () => cache.totals(),
    stats: (tenant) => cache.tenant(tenant).stats(),
    clearEverything: () => cache.clearEverything({ confirm: 'all tenants' }),
    delete: (arg) => service.change(arg),
    deleteTag: (tag) => cache.invalidateTags([tag]),
    clear: () => cache.clear(),
    close: () => app.close(),
  };
}

/** What a TypeScript compiler makes of a decorator. */
function decorate(type, name, decorator) {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
  Object.defineProperty(type.prototype, name, decorator(type.prototype, name, descriptor));
}
