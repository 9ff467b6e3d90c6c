/**
 * An application of twenty classes with three cached methods each, whose arguments have every shape that arguments have: by
 * hand, with this library, with bentocache. A contestant gives `find(at, arg)`, which calls the method of that number.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheModule, CacheService, Cacheable, memory } from 'nestjs-scoped-cache';
import { MAX_ENTRIES, TTL_MS, openContestant } from './index.mjs';

export const CLASSES = 20;
export const METHODS = 3 * CLASSES;

export async function openMethods(name, load) {
  return name === 'nestjs-scoped-cache' ? decorated(load) : memoized(name, load);
}

/** What one writes by hand: a prefix for each method, and a template of what its arguments are made of. */
async function memoized(name, load) {
  const cache = await openContestant(name, { maxEntries: MAX_ENTRIES });
  const methods = Array.from({ length: METHODS }, (_, at) =>
    cache.memoize((arg) => load(at, arg), { key: (arg) => `m${at}:${keyOf(arg)}` }),
  );
  return { inRequest: cache.inRequest, find: (at, arg) => methods[at](arg) };
}

function keyOf(arg) {
  if (typeof arg !== 'object') return `${arg}`;
  let key = '';
  for (const name in arg) key += `${arg[name]}:`;
  return key;
}

async function decorated(load) {
  const types = Array.from({ length: CLASSES }, (_, at) => serviceOf(at, load));
  class AppModule {}
  const backend = memory({ maxEntries: MAX_ENTRIES, maxBytes: 2 ** 31 });
  Module({ imports: [CacheModule.forRoot({ backend, scope: { default: 'tenant' } })], providers: types })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const cache = app.get(CacheService);
  const services = types.map((type) => app.get(type));
  const methods = Array.from({ length: METHODS }, (_, at) => {
    const service = services[Math.floor(at / 3)];
    return [(arg) => service.first(arg), (arg) => service.second(arg), (arg) => service.third(arg)][at % 3];
  });
  return { inRequest: (tenant, work) => cache.runInScope({ tenant }, work), find: (at, arg) => methods[at](arg) };
}

function serviceOf(at, load) {
  const type = {
    [`Service${at}`]: class {
      first(arg) {
        return load(3 * at, arg);
      }

      second(arg) {
        return load(3 * at + 1, arg);
      }

      third(arg) {
        return load(3 * at + 2, arg);
      }
    },
  }[`Service${at}`];
  for (const name of ['first', 'second', 'third']) {
    const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
    const decorator = Cacheable({ ttl: TTL_MS, namespace: `service-${at}` });
    Object.defineProperty(type.prototype, name, decorator(type.prototype, name, descriptor));
  }
  return type;
}
