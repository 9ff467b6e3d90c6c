/** `enabled: false` is a kill switch: whatever a call is given, its loader or method runs, and nothing is thrown. */
import { Controller, Get, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, of, Observable, toArray } from 'rxjs';
import { optionsFromEnvironment } from '../../../../lib/nest/env/cache.config.js';
import {
  CACHE_CONTEXT,
  Cacheable,
  CacheEvict,
  CacheModule,
  CachePut,
  CacheService,
  fromHeader,
  fromRequest,
  type ScopedCache,
  type ScopeResolver,
} from '../../../../lib/index.js';
import type { CacheContext } from '../../../../lib/context/cache-context.js';
import { watchUnhandled } from '../../../support/unhandled.js';
import { closeAll, start } from '../support/start.js';

watchUnhandled();
afterEach(closeAll);

const OFF = { enabled: false, scope: { resolve: fromRequest(() => undefined), default: 'user' } } as const;

const thrower = (): never => {
  throw new RangeError('4111 1111');
};
const later = (): never => Promise.reject(new Error('4111 1111')) as never;
const WRONG_KEYS = ['', null, undefined, Symbol('k'), () => 1, new (class Own {})(), 'x'.repeat(2_000_000), '\uD800'];
const WRONG_IDS = (): unknown[] => ['', ' ', null, undefined, 42, {}, [], 'x'.repeat(300), '\uD800', later()];

async function listed(keys: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const key of keys) found.push(key);
  return found;
}

const anything = { ttl: -1, tags: [''], failSilently: 'no', typo: 1 } as never;

/** Every verb with a key and options, and its answer. */
const VERBS: Record<string, [call: (cache: ScopedCache, key: never) => unknown, answer: unknown]> = {
  get: [(cache, key) => cache.get(key), undefined],
  'get with options that are none': [(cache, key) => cache.get(key, null as never), undefined],
  'get with a default': [(cache, key) => cache.get(key, { default: 'mine', typo: 1 } as never), 'mine'],
  has: [(cache, key) => cache.has(key, anything), false],
  ttl: [(cache, key) => cache.ttl(key, anything), undefined],
  getMany: [(cache, key) => cache.getMany([key], anything), new Map()],
  getOrSet: [(cache, key) => cache.getOrSet(key, () => 'loaded', anything), 'loaded'],
  keys: [(cache, key) => listed(cache.keys(key, anything)), []],
  set: [(cache, key) => cache.set(key, undefined, anything), undefined],
  setMany: [(cache, key) => cache.setMany([[key, () => 1]] as never, anything), undefined],
  increment: [(cache, key) => cache.increment(key, 2, anything), 2],
  decrement: [(cache, key) => cache.decrement(key, 2, anything), -2],
  expire: [(cache, key) => cache.expire(key, 'soon' as never, anything), false],
  warm: [(cache, key) => cache.warm([{ key, load: thrower }], anything), 0],
  delete: [(cache, key) => cache.delete(key, anything), false],
  deleteMany: [(cache, key) => cache.deleteMany([key], anything), 0],
  invalidate: [(cache, key) => cache.invalidate(key, anything), 0],
  invalidateTags: [(cache, key) => cache.invalidateTags([key], anything), undefined],
  clear: [(cache) => cache.clear(anything), 0],
  clearEverything: [(cache) => (cache as CacheService).clearEverything(anything), 0],
  stats: [(cache) => cache.stats(), expect.objectContaining({ hits: 0, size: 0 })],
  info: [(cache) => cache.info(), expect.objectContaining({ entries: 0 })],
  ping: [(cache) => cache.ping(), expect.any(Number)],
};

describe.each(Object.entries(VERBS))('%s of a cache that is switched off', (name, [call, answer]) => {
  it('answers without a scope, whatever key and options it is given', async () => {
    const { cache, as } = await start(OFF);
    for (const key of WRONG_KEYS) {
      expect(await call(cache, key as never)).toEqual(answer);
      expect(await as('acme/ann', () => call(cache, key as never))).toEqual(answer);
    }
  });

  it('answers in a view of ids that are none', async () => {
    if (name === 'clearEverything') return;
    const { cache, as } = await start(OFF);
    for (const id of WRONG_IDS()) {
      const views: (() => ScopedCache)[] = [
        () => cache.tenant(id as never),
        () => cache.user(id as never),
        () => cache.tenant('acme').user(id as never),
        () => cache.for({ tenant: 'acme', user: id } as never),
        () => cache.for(id as never),
        () => cache.namespace(id as never),
      ];
      for (const view of views) {
        expect(await call(view(), 'k' as never)).toEqual(answer);
        expect(await as('acme/ann', () => call(view(), 'k' as never))).toEqual(answer);
      }
    }
  });
});

describe('what runs while the cache is switched off', () => {
  it('runs in the scope of its key where that is known, and in what is known of it elsewhere', async () => {
    const { cache, as, module } = await start(OFF);
    const context = module.get<CacheContext>(CACHE_CONTEXT);
    const who = (): unknown => [context.scope().tenant, context.scope().user];
    expect(await as('acme/ann', () => cache.tenant('beta').getOrSet('k', who))).toEqual(['beta', undefined]);
    expect(await as('acme/ann', () => cache.getOrSet('k', who))).toEqual(['acme', 'ann']);
    expect(await as('acme/ann', () => cache.global().getOrSet('k', who))).toEqual([undefined, undefined]);
    expect(await as('acme', () => cache.getOrSet('k', who))).toEqual(['acme', undefined]);
    expect(await as('acme', () => cache.runInScope({ tenant: 'beta' }, who))).toEqual(['beta', undefined]);
    expect(() => cache.runInScope({ tenant: 42 as never }, who)).toThrow(/tenant/);
  });

  it('its own errors reach the caller unchanged, and what it says of an entry is not looked at', async () => {
    const { cache } = await start(OFF);
    await expect(cache.getOrSet('k', thrower)).rejects.toThrow(RangeError);
    const says = ({
      tag,
      ttl,
      skip,
    }: {
      tag: (tag: never) => void;
      ttl: (ttl: never) => void;
      skip: () => void;
    }): number => {
      tag('' as never);
      ttl('soon' as never);
      skip();
      return 1;
    };
    expect(await cache.getOrSet('k', says as never)).toBe(1);
  });

  it('is counted and told as bypassed', async () => {
    const { cache, as, events } = await start(OFF);
    await as('acme/ann', () => cache.getOrSet('k', () => 1));
    await cache.getOrSet('k', () => 1);
    expect(events.of('bypass').map(({ reason }) => reason)).toEqual(['disabled', 'disabled']);
    expect(await as('acme/ann', () => cache.stats())).toMatchObject({ bypasses: 1 });
    expect(await cache.totals()).toMatchObject({ bypasses: 2 });
  });
});

describe('requests while the cache is switched off', () => {
  @Controller()
  class CatsController {
    constructor(private readonly cache: CacheService) {}

    @Get()
    find(): Promise<string> {
      return this.cache.getOrSet('k', () => 'ran');
    }
  }

  it.each<[string, ScopeResolver]>([
    ['a resolver that the interceptor asks', fromRequest(({ headers }) => ({ tenant: headers?.['x-tenant'] }))],
    ['one that only reads', fromHeader('x-tenant', { trusted: true })],
  ])('do not fail because of ids that are none: %s', async (_, resolve) => {
    const tenant = 'x'.repeat(300);
    for (const enabled of [true, false]) {
      const cache = CacheModule.forRoot({ enabled, scope: { resolve } });
      const module = await Test.createTestingModule({ imports: [cache], controllers: [CatsController] }).compile();
      const app = module.createNestApplication({ logger: false });
      try {
        await app.listen(0, '127.0.0.1');
        const response = await fetch(await app.getUrl(), { headers: { 'x-tenant': tenant } });
        expect(response.status).toBe(enabled ? 500 : 200);
      } finally {
        await app.close();
      }
    }
  });
});

describe('decorators of a cache that is switched off', () => {
  const bad = {
    scope: 'user',
    condition: thrower,
    key: thrower,
    tags: thrower,
    context: thrower,
    unless: thrower,
  } as const;

  @Injectable()
  class Cats {
    @Cacheable(bad)
    async find(id: unknown): Promise<unknown> {
      return id;
    }

    @Cacheable({ scope: 'user' })
    async byArguments(id: unknown): Promise<unknown> {
      return id;
    }

    @Cacheable({ scope: 'user', ttl: thrower, resultTags: thrower })
    stream(id: unknown): Observable<unknown> {
      return of(id, id);
    }

    @CachePut(bad)
    async save(id: unknown): Promise<unknown> {
      return id;
    }

    @CachePut(bad)
    saveAll(id: unknown): Observable<unknown> {
      return of(id, id);
    }

    @CacheEvict({ namespace: 'cats', scope: 'user', condition: thrower, key: thrower, tags: thrower, context: thrower })
    async remove(id: unknown): Promise<unknown> {
      return id;
    }

    @CacheEvict({ namespace: 'cats', scope: 'user', pattern: thrower, keys: thrower, before: true })
    removeAll(id: unknown): Observable<unknown> {
      return of(id, id);
    }

    @CacheEvict({ method: 'byArguments', args: thrower })
    async removeOne(id: unknown): Promise<unknown> {
      return id;
    }

    @Cacheable(bad)
    async fail(): Promise<unknown> {
      throw new RangeError('mine');
    }
  }

  it.each(['find', 'byArguments', 'save', 'remove', 'removeOne'] as const)(
    '%s runs, whatever its arguments and scope',
    async (method) => {
      const { get, as } = await start(OFF, Cats);
      for (const id of [...WRONG_KEYS, 'tom']) {
        expect(await get(Cats)[method](id)).toBe(id);
        expect(await as('acme', () => get(Cats)[method](id))).toBe(id);
      }
      await expect(get(Cats).fail()).rejects.toThrow('mine');
    },
  );

  it.each(['stream', 'saveAll', 'removeAll'] as const)('%s brings its sequence', async (method) => {
    const { get } = await start(OFF, Cats);
    for (const id of [...WRONG_KEYS, 'tom'])
      expect(await lastValueFrom(get(Cats)[method](id).pipe(toArray()))).toEqual([id, id]);
  });

  it('what can never work stops the start, on or off: it would stop the day it is switched on again', async () => {
    @Injectable()
    class Wrong {
      @CacheEvict({ method: 'nothing' } as never)
      async remove(): Promise<void> {}
    }
    await expect(start(OFF, Wrong)).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
  });
});

describe('CACHE_ENABLED=false', () => {
  it('asks for no server: neither an address nor a door is needed, and no door is called', async () => {
    const redis = (): never => {
      throw new Error('called');
    };
    for (const variables of [{ CACHE_BACKEND: 'redis' }, { CACHE_BACKEND: 'mongo' }, { CACHE_BACKEND: 'tiered' }]) {
      const options = await optionsFromEnvironment({ ...variables, CACHE_ENABLED: 'false' }, { redis });
      const { cache } = await start(options);
      expect(await cache.tenant('').getOrSet('', () => 1)).toBe(1);
    }
  });
});
