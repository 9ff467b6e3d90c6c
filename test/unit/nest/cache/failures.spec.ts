/** What comes back when the cache itself fails, by verb and decorator: the table of docs/guides/failures.md. */
import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { memory } from '../../../../lib/backends/memory/memory.backend.js';
import { Cacheable, CacheEvict, CachePut, type CacheModuleOptions, type CacheService } from '../../../../lib/index.js';
import { chaos, type Chaos } from '../../../../lib/testing/chaos.js';
import { watchUnhandled } from '../../../support/unhandled.js';
import { closeAll, start, type Started } from '../support/start.js';

watchUnhandled();
afterEach(closeAll);

type Silence = { readonly failSilently?: boolean };
type Verb = (cache: CacheService, options: Silence | undefined) => unknown;

async function listed(keys: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const key of keys) found.push(key);
  return found;
}

const warmed = [
  { key: 'a', value: 1 },
  { key: 'b', load: () => 2 },
];

/** By verb: the call, what it answers when its failure is hidden, and whether it is by default. */
const VERBS: Record<string, [call: Verb, instead: unknown, isSilent: boolean]> = {
  get: [(cache, options) => cache.get('k', options), undefined, true],
  has: [(cache, options) => cache.has('k', options), false, true],
  ttl: [(cache, options) => cache.ttl('k', options), undefined, true],
  getMany: [(cache, options) => cache.getMany(['k'], options), new Map(), true],
  getOrSet: [(cache, options) => cache.getOrSet('k', () => 'loaded', options), 'loaded', true],
  keys: [(cache, options) => listed(cache.keys('*', options)), [], false],
  set: [(cache, options) => cache.set('k', 1, options), undefined, false],
  setMany: [(cache, options) => cache.setMany([['k', 1]], options), undefined, false],
  increment: [(cache, options) => cache.increment('n', 3, options), 3, false],
  decrement: [(cache, options) => cache.decrement('n', 3, options), -3, false],
  expire: [(cache, options) => cache.expire('k', '1m', options), false, false],
  warm: [(cache, options) => cache.warm(warmed, options), 0, false],
  delete: [(cache, options) => cache.delete('k', options), false, false],
  deleteMany: [(cache, options) => cache.deleteMany(['k'], options), 0, false],
  invalidate: [(cache, options) => cache.invalidate('k*', options), 0, false],
  invalidateTags: [(cache, options) => cache.invalidateTags(['t'], options), undefined, false],
  clear: [(cache, options) => cache.clear(options), 0, false],
  clearEverything: [(cache, options) => cache.clearEverything({ confirm: 'all tenants', ...options }), 0, false],
};
/** Verbs that take a policy, and with it what was said for their namespace. */
const OF_A_POLICY = ['get', 'has', 'ttl', 'getMany', 'getOrSet', 'set', 'setMany', 'increment', 'expire', 'warm'];

async function broken(options: CacheModuleOptions = {}): Promise<Started & { readonly backend: Chaos }> {
  const backend = chaos(memory());
  const started = await start({ ...options, backend });
  await started.cache.set('k', 'old');
  backend.break();
  return { ...started, backend };
}

const OURS = { code: expect.stringMatching(/^CACHE_(BACKEND|INVALIDATION_UNKNOWN)$/) };

describe.each(Object.entries(VERBS))('%s while the backend fails', (name, [call, instead, isSilent]) => {
  it('is hidden with failSilently: true, and told by an event', async () => {
    const { cache, events } = await broken();
    expect(await call(cache, { failSilently: true })).toEqual(instead);
    expect(events.of('error').length).toBeGreaterThan(0);
  });

  it('is thrown with failSilently: false', async () => {
    const { cache } = await broken();
    await expect((async () => call(cache, { failSilently: false }))()).rejects.toMatchObject(OURS);
  });

  it(`is ${isSilent ? 'hidden' : 'thrown'} when nobody has said`, async () => {
    const { cache } = await broken();
    const answer = (async () => call(cache, undefined))();
    if (isSilent) expect(await answer).toEqual(instead);
    else await expect(answer).rejects.toMatchObject(OURS);
  });

  it(`${OF_A_POLICY.includes(name) ? 'goes' : 'does not go'} by what was said for its namespace`, async () => {
    const said = { namespaces: { default: { failSilently: true } }, defaults: { failSilently: false } };
    const { cache } = await broken(said);
    const answer = (async () => call(cache, undefined))();
    if (OF_A_POLICY.includes(name) || name === 'decrement') expect(await answer).toEqual(instead);
    else await expect(answer).rejects.toMatchObject(OURS);
  });

  it('refuses what is neither true nor false, by name', async () => {
    const { cache } = await start({});
    if (name === 'warm') return;
    await expect((async () => call(cache, { failSilently: 'yes' as never }))()).rejects.toMatchObject({
      option: 'failSilently',
    });
  });
});

describe('a failure that is hidden', () => {
  it('of set: the old value is gone, also when only the reply was lost', async () => {
    const backend = chaos(memory());
    const { cache, events } = await start({ backend });
    for (const fail of [() => backend.failNext('write'), () => backend.dropNext('write')]) {
      await cache.set('k', 'old');
      fail();
      await cache.set('k', 'new', { failSilently: true });
      expect(await cache.get('k')).toBeUndefined();
    }
    expect(events.of('refused').map(({ reason }) => reason)).toEqual(['backend', 'backend']);
  });

  it('is the cache’s own: mistakes of the call are told all the same', async () => {
    const { cache } = await start({});
    const silent = { failSilently: true };
    await expect(cache.set('k', () => 1, silent)).rejects.toMatchObject({ code: 'CACHE_UNSERIALIZABLE' });
    await expect(cache.set('', 1, silent)).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' });
    await expect(cache.invalidateTags([''], silent)).rejects.toMatchObject({ code: 'CACHE_TAG_INVALID' });
    await expect(cache.set('k', 1, { ...silent, ttl: -1 })).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
  });

  it('is the cache’s own: what a ttl of the caller’s throws reaches the caller as it is', async () => {
    const { cache, events } = await start({});
    const mine = new TypeError('no such plan');
    const ttl = (): never => {
      throw mine;
    };
    for (const failSilently of [true, false]) {
      await expect(cache.set('k', 1, { failSilently, ttl })).rejects.toBe(mine);
      await expect(cache.increment('n', 1, { failSilently, ttl: ttl as never })).rejects.toBe(mine);
    }
    expect(events.of('error')).toEqual([]);
  });

  it('also of a quota: nothing is stored, and what stood there goes', async () => {
    const quota = { maxEntries: 1, onExceeded: 'reject' } as const;
    const { as, cache, events } = await start({ backend: memory({ quota }), scope: { default: 'tenant' } });
    await as('acme', async () => {
      await cache.set('a', 1);
      await expect(cache.set('b', 1)).rejects.toMatchObject({ code: 'CACHE_QUOTA' });
      await cache.set('b', 1, { failSilently: true });
      expect([await cache.get('a'), await cache.get('b')]).toEqual([1, undefined]);
    });
    expect(events.of('refused')).toMatchObject([{ reason: 'quota' }]);
  });

  it('of warm: only what is there is counted, loaded or given', async () => {
    const backend = chaos(memory());
    const { cache } = await start({ backend });
    backend.failNext('write');
    backend.failNext('fill');
    expect(await cache.warm(warmed, { failSilently: true, concurrency: 1 })).toBe(0);
    expect(await cache.warm(warmed, { failSilently: true })).toBe(2);
    backend.failNext('write');
    const own = [{ key: 'c', value: 1, options: { failSilently: false } }];
    await expect(cache.warm(own, { failSilently: true })).rejects.toMatchObject({ code: 'CACHE_BACKEND' });
  });
});

describe('decorators while the backend fails', () => {
  @Injectable()
  class Cats {
    saved = 0;

    @Cacheable({ namespace: 'cats', key: 'tom', scope: 'global' })
    async find(): Promise<string> {
      return `#${this.saved}`;
    }

    @CachePut({ namespace: 'cats', key: 'tom', scope: 'global' })
    async put(): Promise<string> {
      return `#${++this.saved}`;
    }

    @CachePut({ namespace: 'cats', key: 'tom', scope: 'global', failSilently: true })
    async putSilently(): Promise<string> {
      return `#${++this.saved}`;
    }

    @CacheEvict({ namespace: 'cats', key: 'tom', scope: 'global', failSilently: true })
    async removeSilently(): Promise<string> {
      return `#${++this.saved}`;
    }

    @CacheEvict({ namespace: 'cats', key: 'tom', scope: 'global', failSilently: true, before: true })
    async removeSilentlyBefore(): Promise<string> {
      return `#${++this.saved}`;
    }

    @CacheEvict({ namespace: 'cats', key: 'tom', scope: 'global', failSilently: true })
    async fail(): Promise<string> {
      throw new RangeError('mine');
    }
  }

  it.each(['putSilently', 'removeSilently', 'removeSilentlyBefore'] as const)(
    '%s: the row is saved, its result comes back, and an event tells',
    async (method) => {
      const backend = chaos(memory());
      const { get, events } = await start({ backend }, Cats);
      backend.break();
      expect(await get(Cats)[method]()).toBe('#1');
      expect(events.of('error').length).toBeGreaterThan(0);
    },
  );

  it('a put that nobody has told to be silent fails, after its row is saved', async () => {
    const backend = chaos(memory());
    const { get } = await start({ backend }, Cats);
    backend.break();
    await expect(get(Cats).put()).rejects.toMatchObject({ code: 'CACHE_INVALIDATION_UNKNOWN' });
    expect(get(Cats).saved).toBe(1);
  });

  it('a put goes by what was said for its namespace', async () => {
    const backend = chaos(memory());
    const { get } = await start({ backend, namespaces: { cats: { failSilently: true } } }, Cats);
    backend.break();
    expect(await get(Cats).put()).toBe('#1');
  });

  it('an error of the method reaches its caller whatever is hidden', async () => {
    const backend = chaos(memory());
    const { get } = await start({ backend }, Cats);
    backend.break();
    await expect(get(Cats).fail()).rejects.toThrow(RangeError);
  });
});
