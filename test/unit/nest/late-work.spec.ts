import { afterEach, describe, expect, it } from '@jest/globals';
import { Subject } from 'rxjs';
import type { Foundation } from '../../../lib/assemble.js';
import { Asker } from '../../../lib/context/asker.js';
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
  return context.serve(new Asker(request, RESOLVE, scopes), work);
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
