import { afterEach, describe, expect, it } from '@jest/globals';
import { concatMap, defer, from, lastValueFrom, Subject, take, toArray } from 'rxjs';
import type { Foundation } from '../../../lib/assemble.js';
import { LateScopeResolver } from '../../../lib/context/late-scope-resolver.js';
import { CACHE_FOUNDATION, type CacheModuleOptions, type CacheService, fromClaims } from '../../../lib/index.js';
import { closeAll, start, type Started } from './support/start.js';

afterEach(closeAll);

const RESOLVE = fromClaims({ tenant: 'org', user: 'sub' });
const TENANTS: CacheModuleOptions = { scope: { resolve: RESOLVE } };

/** Two tenants, each with a key of its own, which says whose it is. */
async function twoTenants(): Promise<Started> {
  const started = await start(TENANTS);
  for (const tenant of ['acme', 'globex']) await started.as(tenant, () => started.cache.set(`of ${tenant}`, tenant));
  return started;
}

/** Runs as the handler of an HTTP route whose request is looked at anew by each call. */
function asHandler<R>({ module }: Started, request: object, work: () => R): R {
  const { context, scopes } = module.get<Foundation>(CACHE_FOUNDATION);
  return context.serve(new LateScopeResolver(request, RESOLVE, scopes), work);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const mine = (cache: CacheService): Promise<unknown> => cache.get('of globex', { default: 'nothing' });

describe('a call keeps the scope that it began with', () => {
  it('listing keys, though somebody else walks through them', async () => {
    const { cache, as } = await twoTenants();
    const keys = as('acme', () => cache.keys());
    expect(await as('globex', () => collect(keys))).toEqual(['of acme']);
    const walked = as('acme', () => cache.keys());
    expect(await collect(walked)).toEqual(['of acme']);
  });

  it('listing keys: nobody’s walk fails when it is asked for the first one, and not later', async () => {
    const { cache, as } = await twoTenants();
    const keys = cache.keys();
    await expect(as('globex', () => keys.next())).rejects.toThrow('No tenant');
  });

  it('warming, though the request is somebody else’s before all is stored', async () => {
    const started = await twoTenants();
    const { cache, as } = started;
    const request = { user: { org: 'acme', sub: 'ann' } };
    const entries = async function* () {
      yield { key: 'first', value: 1 };
      request.user = { org: 'globex', sub: 'gina' };
      yield { key: 'second', value: 2 };
      yield { key: 'third', load: () => 3 };
    };
    expect(await asHandler(started, request, () => cache.warm(entries(), { concurrency: 1 }))).toBe(3);
    for (const key of ['first', 'second', 'third']) {
      expect([await as('acme', () => cache.has(key)), await as('globex', () => cache.has(key))]).toEqual([true, false]);
    }
  });
});

describe('runInScope covers what its work only begins', () => {
  it.each(['async', 'plain'])('an %s generator, whoever walks through it', async (kind) => {
    const { cache, as } = await twoTenants();
    const own = async function* () {
      yield await mine(cache);
      yield await mine(cache);
    };
    const plain = function* () {
      yield mine(cache);
      yield mine(cache);
    };
    const rows = cache.runInScope<AsyncIterable<unknown> | Iterable<unknown>>({ tenant: 'globex' }, () =>
      kind === 'async' ? own() : plain(),
    );
    const found: unknown[] = [];
    await as('acme', async () => {
      for await (const row of rows) found.push(row);
    });
    expect(found).toEqual(['globex', 'globex']);
  });

  it('a generator that its work has only after waiting for something', async () => {
    const { cache, as } = await twoTenants();
    const own = async function* () {
      yield await mine(cache);
    };
    const rows = cache.runInScope({ tenant: 'globex' }, async () => {
      await cache.get('its rights');
      return own();
    });
    expect(await as('acme', async () => collect(await rows))).toEqual(['globex']);
  });

  it('a generator that is left early: what it does last, and not what its walker does next', async () => {
    const { cache, as } = await twoTenants();
    const seen: unknown[] = [];
    const own = async function* () {
      try {
        yield 1;
      } finally {
        seen.push(await mine(cache));
      }
    };
    const rows = cache.runInScope({ tenant: 'globex' }, own);
    await as('acme', async () => {
      for await (const row of rows) if (row === 1) break;
      seen.push(await mine(cache));
    });
    expect(seen).toEqual(['globex', 'nothing']);
  });

  it('and hands everything else back as it is: what has begun, and what others may call', () => {
    const started = start(TENANTS);
    const hot = new Subject<number>();
    const list = [1];
    return started.then(({ cache }) => {
      const inside = <R>(made: R): R => cache.runInScope<R>({ tenant: 'globex' }, () => made);
      expect(inside(hot)).toBe(hot);
      expect(inside(list)).toBe(list);
      expect(inside(mine)).toBe(mine);
      const values = list.values();
      expect(inside(values)).toBe(values);
    });
  });
});

describe('what is bound to a scope', () => {
  it('runs as the one that bound it, whoever calls it, with its arguments and its `this`', async () => {
    const { cache, as } = await twoTenants();
    const own = {
      key: 'of globex',
      read: as('globex', () =>
        cache.bindScope(async function (this: { key: string }, end: string) {
          return `${await cache.get<string>(this.key)}${end}`;
        }),
      ),
    };
    expect(await as('acme', () => own.read('!'))).toBe('globex!');
    expect(await own.read('?')).toBe('globex?');
  });

  it('is nobody’s when it was bound by nobody', async () => {
    const { cache, as } = await twoTenants();
    const bound = cache.bindScope(() => mine(cache));
    await expect(as('globex', bound)).rejects.toThrow('No tenant');
  });

  it('is for whom its request said at that time', async () => {
    const started = await twoTenants();
    const request = { user: { org: 'globex' } };
    const bound = asHandler(started, request, () => started.cache.bindScope(() => mine(started.cache)));
    request.user = { org: 'acme' };
    expect(await bound()).toBe('globex');
  });

  it('makes generators that have it in each step', async () => {
    const { cache, as } = await twoTenants();
    const rows = as('globex', () =>
      cache.bindScope(async function* () {
        yield await mine(cache);
      }),
    );
    expect(await as('acme', () => collect(rows()))).toEqual(['globex']);
  });

  it('is watched by the load that it is called in, and by none that has ended', async () => {
    const { cache, as } = await twoTenants();
    const bound = as('globex', () => cache.bindScope(() => mine(cache)));
    expect(await cache.global().getOrSet('of all', bound)).toBe('globex');
    expect(await cache.global().has('of all')).toBe(false);
    let inside = bound;
    const user = { tenant: 'acme', user: 'ann' };
    await cache.runInScope(user, () =>
      cache.global().getOrSet('other', () => {
        inside = as('globex', () => cache.bindScope(() => mine(cache)));
        return 1;
      }),
    );
    expect(await inside()).toBe('globex');
  });
});

describe('an Observable that keeps its scope', () => {
  it('hands on what others say as its subscriber’s', async () => {
    const { cache, as } = await twoTenants();
    const shared = new Subject<string>();
    const heard = (tenant: string): Promise<unknown[]> =>
      as(tenant, () =>
        lastValueFrom(
          shared.pipe(
            cache.keepScope(),
            take(2),
            concatMap((key) => cache.get(key, { default: 'nothing' })),
            toArray(),
          ),
        ),
      );
    const both = Promise.all([heard('acme'), heard('globex')]);
    as('acme', () => shared.next('of acme'));
    shared.next('of globex');
    expect(await both).toEqual([
      ['acme', 'nothing'],
      ['nothing', 'globex'],
    ]);
    expect(shared.observed).toBe(false);
  });

  it('ends for a source that says everything at once, as soon as its subscriber has enough', async () => {
    const { cache, as } = await twoTenants();
    let said = 0;
    const endless = from(
      (function* () {
        while (said < 1_000) yield ++said;
      })(),
    );
    const first = as('acme', () => lastValueFrom(endless.pipe(cache.keepScope(), take(2), toArray())));
    expect(await first).toEqual([1, 2]);
    expect(said).toBeLessThan(5);
  });

  it('passes errors on', async () => {
    const { cache, as } = await twoTenants();
    const broken = defer(() => {
      throw new Error('down');
    });
    await expect(as('acme', () => lastValueFrom(broken.pipe(cache.keepScope())))).rejects.toThrow('down');
  });
});
