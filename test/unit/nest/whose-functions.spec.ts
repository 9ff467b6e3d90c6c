/** Whose scope the functions among the options see; and decorators on one method, which see what stands above them. */
import { Inject, Injectable, type Type } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { defer, lastValueFrom, of, type Observable } from 'rxjs';
import {
  CACHE_CONTEXT,
  Cacheable,
  type CacheableOptions,
  CacheConfigError,
  type CacheContext,
  CacheEvict,
  CacheScopeInterceptor,
  CACHE_FOUNDATION,
  CachePut,
  CacheService,
} from '../../../lib/index.js';
import { Query } from '../../support/queries/query.js';
import { closeAll, start } from './support/start.js';

afterEach(closeAll);

let seen: Record<string, string> = {};
let context: CacheContext;

function note<R>(name: string, answer: R): (...args: unknown[]) => R {
  return () => {
    const { tenant = 'nobody', user = '-' } = context.scope();
    seen[name] = `${tenant}/${user}`;
    return answer;
  };
}

/** Every function that the options take. */
const FUNCTIONS: CacheableOptions = {
  key: note('key', 'k'),
  condition: note('condition', true),
  tags: note('tags', ['cats']),
  resultTags: note('resultTags', ['result']),
  unless: note('unless', false),
  ttl: note('ttl', '5m' as const),
};

@Injectable()
class Cats {
  constructor(@Inject(CACHE_CONTEXT) given: CacheContext) {
    context = given;
  }

  @Cacheable(FUNCTIONS)
  async found(): Promise<string> {
    return note('method', 'Tom')();
  }

  @CachePut(FUNCTIONS)
  async put(): Promise<string> {
    return note('method', 'Tom')();
  }

  @Cacheable({ ...FUNCTIONS, context: () => ({ tenant: 'globex' }) })
  async ofGlobex(): Promise<string> {
    return note('method', 'Tom')();
  }

  @CachePut({ ...FUNCTIONS, context: () => ({ tenant: 'globex' }) })
  async putForGlobex(): Promise<string> {
    return note('method', 'Tom')();
  }

  /** A query whose properties are code: each look at one notes the scope that it was looked at in. */
  @Cacheable()
  byProxy(): Promise<string> {
    const then = (resolve: (answer: string) => void): void => resolve('Tom');
    const get = (_: object, name: string | symbol): unknown => note(String(name), name === 'then' ? then : undefined)();
    return new Proxy<Promise<string>>({} as never, { get });
  }
}

const BEFORE = ['condition', 'key'];
const AFTER = ['method', 'resultTags', 'tags', 'ttl', 'unless'];

describe('functions among the options', () => {
  it.each([
    ['@Cacheable', 'acme/-', (cats: Cats) => cats.found()],
    ['@CachePut', 'acme/-', (cats: Cats) => cats.put()],
    ['@Cacheable with a context', 'globex/-', (cats: Cats) => cats.ofGlobex()],
    ['@CachePut with a context', 'globex/-', (cats: Cats) => cats.putForGlobex()],
  ])(
    '%s: those that choose the key see its caller, those that decide about the entry see what its method sees',
    async (_, expected, call) => {
      const { get, as } = await start({ scope: { default: 'tenant' } }, Cats);
      seen = {};
      await as('acme/ann', () => call(get(Cats)));
      expect(seen).toEqual({
        ...Object.fromEntries(BEFORE.map((name) => [name, 'acme/ann'])),
        ...Object.fromEntries(AFTER.map((name) => [name, expected])),
      });
    },
  );

  it('@Cacheable: what its method returned is looked at where its method ran', async () => {
    const { get, as } = await start({ scope: { default: 'tenant' } }, Cats);
    seen = {};
    expect(await as('acme/ann', () => get(Cats).byProxy())).toBe('Tom');
    expect(Object.keys(seen)).toEqual(expect.arrayContaining(['lift', 'then']));
    expect(new Set(Object.values(seen))).toEqual(new Set(['acme/-']));
  });

  it('the ttl of a call sees the scope of its key, with set and with getOrSet', async () => {
    const { module, as, cache } = await start({ scope: { default: 'tenant' } });
    context = module.get<CacheContext>(CACHE_CONTEXT);
    const ttl = note('ttl', '5m' as const);
    const calls: readonly (() => Promise<unknown>)[] = [
      () => cache.tenant('globex').set('k', 1, { ttl }),
      () => cache.tenant('globex').getOrSet('other', () => 1, { ttl }),
    ];
    for (const call of calls) {
      seen = {};
      await as('acme/ann', call);
      expect(seen).toEqual({ ttl: 'globex/-' });
    }
  });
});

describe('a resolver', () => {
  it.each([
    ['at once', () => context.scope()],
    ['later', async () => context.scope()],
    ['by a query', () => new Query(() => context.scope())],
  ])('sees nobody, whoever surrounds it, and answers %s', async (_, ask) => {
    const { module, as } = await start({});
    context = module.get<CacheContext>(CACHE_CONTEXT);
    let found: unknown;
    const resolver = async (): Promise<object> => {
      found = await ask();
      return { tenant: 'globex' };
    };
    const interceptor = new CacheScopeInterceptor(module.get(CACHE_FOUNDATION), resolver);
    const execution = { getType: () => 'http', switchToHttp: () => ({ getRequest: () => ({}) }) } as never;
    const handle = (): Observable<string> => of(context.scope().tenant ?? 'nobody');
    const served = as('acme/ann', () =>
      lastValueFrom(interceptor.intercept(execution, { handle: () => defer(handle) })),
    );
    expect(await served).toBe('globex');
    expect(found).toEqual({ tenant: undefined, user: undefined });
  });
});

@Injectable()
class Profiles {
  @Cacheable({ scope: 'user' })
  async own(): Promise<string> {
    return 'hers';
  }

  @CacheEvict({ tags: ['mine'], scope: 'user' })
  async forget(): Promise<void> {}

  @CachePut({ key: 'k', scope: 'tenant', namespace: 'profiles' })
  async save(how: 'own' | 'forget'): Promise<unknown> {
    return this[how]();
  }
}

describe('what needs a user, inside the method of a put for a tenant', () => {
  it.each(['own', 'forget'] as const)('fails and says that it is the put that has none (%s)', async (how) => {
    const { get, as, cache } = await start({ scope: { default: 'tenant' } }, Profiles);
    await as('acme/ann', async () => {
      await cache.namespace('profiles').set('k', 'old');
      const saved = get(Profiles).save(how);
      await expect(saved).rejects.toMatchObject({
        message: expect.stringContaining('No user'),
        hint: expect.stringMatching(/inside the load of namespace "profiles", .* its key \(tenant\)/),
      });
      expect(await cache.namespace('profiles').get('k')).toBe('old');
    });
  });

  it('and outside of loads the advice is the usual one', async () => {
    const { get, as } = await start({ scope: { default: 'tenant' } }, Profiles);
    await expect(as('acme', () => get(Profiles).own())).rejects.toMatchObject({
      message: 'No user in the current scope.',
      hint: expect.stringContaining('`scope.resolve`'),
    });
  });
});

@Injectable()
class PutAboveEvict {
  @CachePut({ key: 'k', scope: 'tenant' })
  @CacheEvict({ tags: ['mine'], scope: 'user' })
  async save(): Promise<void> {}
}

@Injectable()
class PutForAnotherAboveEvict {
  @CachePut({ key: 'k', scope: 'tenant', context: () => ({ tenant: 'globex' }) })
  @CacheEvict({ tags: ['cats'], scope: 'tenant' })
  async save(): Promise<void> {}
}

@Injectable()
class PutAbovePut {
  @CachePut({ key: 'k', scope: 'global' })
  @CachePut({ key: 'own', namespace: 'own', scope: 'tenant' })
  async save(): Promise<void> {}
}

@Injectable()
class CacheableAboveEvict {
  @Cacheable({ scope: 'global' })
  @CacheEvict({ tags: ['cats'], scope: 'tenant' })
  async save(): Promise<void> {}
}

@Injectable()
class EvictAbovePut {
  constructor(readonly cache: CacheService) {}

  @CacheEvict({ tags: ['mine'], scope: 'user' })
  @CachePut({ namespace: 'shared', key: 'k', scope: 'tenant' })
  async save(): Promise<string> {
    return 'saved';
  }
}

@Injectable()
class PutAboveEvictForWhomItSays {
  @CachePut({ key: 'k', scope: 'tenant', context: () => ({ tenant: 'globex' }) })
  @CacheEvict({ tags: ['cats'], scope: 'user', context: () => ({ tenant: 'acme', user: 'ann' }) })
  async save(): Promise<string> {
    return 'saved';
  }
}

describe('a decorator below one that stores acts in the scope of the key of that', () => {
  it.each<[string, Type, string]>([
    ['one that needs a user, in that of a tenant', PutAboveEvict, '@CachePut PutAboveEvict.save: .*@CacheEvict'],
    ['one that means its caller’s tenant, in that of another', PutForAnotherAboveEvict, '@CacheEvict'],
    ['a put for a tenant, in that of nobody', PutAbovePut, '@CachePut'],
    ['also below @Cacheable', CacheableAboveEvict, '@Cacheable CacheableAboveEvict.save'],
  ])('where it cannot, the start stops and says what to write: %s', async (_, type, message) => {
    const starting = start({ scope: { default: 'tenant' } }, type);
    await expect(starting).rejects.toBeInstanceOf(CacheConfigError);
    await expect(starting).rejects.toThrow(new RegExp(message));
    await expect(starting).rejects.toThrow(/write @Cache\w+ above it, or give it a `context`/);
  });

  it('above it, both are done', async () => {
    const { get, as, cache } = await start({ scope: { default: 'tenant' } }, EvictAbovePut);
    await as('acme/ann', async () => {
      await cache.user('ann').set('hers', 1, { tags: ['mine'] });
      await get(EvictAbovePut).save();
      expect(await cache.user('ann').has('hers')).toBe(false);
      expect(await cache.namespace('shared').get('k')).toBe('saved');
    });
  });

  it('with a context of its own it may stand below', async () => {
    const { get, as, cache } = await start({ scope: { default: 'tenant' } }, PutAboveEvictForWhomItSays);
    const hers = cache.for({ tenant: 'acme', user: 'ann' });
    await hers.set('hers', 1, { tags: ['cats'] });
    await as('acme/ann', () => get(PutAboveEvictForWhomItSays).save());
    expect(await hers.has('hers')).toBe(false);
  });
});
