/** The injected cache, with get and set as the Nest documentation shows them. */
import 'reflect-metadata';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TTL_MS } from './index.mjs';
import { currentTenant, inRequest } from './request.mjs';

export async function open() {
  class AppModule {}
  Module({ imports: [CacheModule.register({ ttl: TTL_MS })] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const cache = app.get(CACHE_MANAGER);
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
    delete: (arg) => cache.del(`${currentTenant()}:${keyOf(arg)}`),
    clear: () => cache.clear(),
  };
}
