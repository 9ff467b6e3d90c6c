import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type CacheKey,
  type CacheModuleOptions,
  type CacheService,
  fromRequest,
  InvalidationUnknownError,
  type LoaderContext,
  memory,
  type ScopedCache,
} from '../../../../lib/index.js';
import { chaos } from '../../../../lib/testing.js';
import { closeAll, counter, start, type Started } from '../support/start.js';

afterEach(closeAll);

const TENANTS: CacheModuleOptions = { scope: { resolve: fromRequest(() => undefined) } };

async function collect(keys: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const key of keys) found.push(key);
  return found.sort();
}

/** One view of each kind that can be told apart. */
function viewsOf(cache: CacheService): Record<string, ScopedCache> {
  return {
    acme: cache.tenant('acme'),
    'acme/ann': cache.for({ tenant: 'acme', user: 'ann' }),
    'acme/bob': cache.tenant('acme').user('bob'),
    globex: cache.for({ tenant: 'globex' }),
    'globex/ann': cache.tenant('globex').user('ann'),
    global: cache.global(),
  };
}

describe('every verb stays in its scope', () => {
  const exact: Record<string, (view: ScopedCache) => Promise<unknown>> = {
    set: (view) => view.set('k', 'changed'),
    setMany: (view) => view.setMany([['k', 'changed']]),
    delete: (view) => view.delete('k'),
    deleteMany: (view) => view.deleteMany(['k', 'other']),
    increment: (view) => view.increment('n'),
    decrement: (view) => view.decrement('n'),
    expire: (view) => view.expire('k', 1),
    'warm with a value': (view) => view.warm([{ key: 'k', value: 'changed' }]),
    'a put by getOrSet after delete': async (view) => {
      await view.delete('k');
      await view.getOrSet('k', () => 'changed');
    },
  };
  const whole: Record<string, (view: ScopedCache) => Promise<unknown>> = {
    clear: (view) => view.clear(),
    'clear of the namespace': (view) => view.namespace('default').clear(),
    invalidate: (view) => view.invalidate('k*'),
    invalidateTags: (view) => view.invalidateTags(['t']),
  };

  async function filled(): Promise<Started & { views: Record<string, ScopedCache>; look(): Promise<string[]> }> {
    const started = await start(TENANTS);
    const views = viewsOf(started.cache);
    for (const [name, view] of Object.entries(views)) {
      await view.set('k', name, { tags: ['t'] });
      await view.set('n', 5);
    }
    const look = async (): Promise<string[]> => {
      const changed: string[] = [];
      for (const [name, view] of Object.entries(views)) {
        if ((await view.get('k')) !== name || (await view.get('n')) !== 5) changed.push(name);
      }
      return changed;
    };
    expect(await look()).toEqual([]);
    return { ...started, views, look };
  }

  it.each(Object.keys(exact))('%s changes the entry of its own view only', async (verb) => {
    const { views, look, clock } = await filled();
    for (const name of Object.keys(views)) {
      const before = await look();
      await exact[verb]!(views[name]!);
      await clock.advance(2);
      expect((await look()).sort()).toEqual([...before, name].sort());
    }
  });

  it.each(Object.keys(whole))('%s covers a tenant with its users, a user alone, or what is global', async (verb) => {
    const covered: Record<string, string[]> = {
      acme: ['acme', 'acme/ann', 'acme/bob'],
      'acme/ann': ['acme/ann'],
      globex: ['globex', 'globex/ann'],
      'globex/ann': ['globex/ann'],
      global: ['global'],
    };
    for (const [name, expected] of Object.entries(covered)) {
      const { views, look } = await filled();
      await whole[verb]!(views[name]!);
      const gone = await look();
      expect([name, gone]).toEqual([name, expected]);
      await closeAll();
    }
  });

  it.each<[string, (view: ScopedCache) => Promise<unknown>, unknown]>([
    ['get', (view) => view.get('k'), 'acme'],
    ['has', (view) => view.has('k'), true],
    ['getOrSet', (view) => view.getOrSet('k', () => 'made'), 'acme'],
    ['getMany', async (view) => [...(await view.getMany(['k', 'none']))], [['k', 'acme']]],
    ['ttl', async (view) => ((await view.ttl('k')) ?? 0) > 0, true],
    ['keys', async (view) => collect(view.keys()), ['k']],
    ['stats', async (view) => (await view.stats()).size, 1],
  ])('%s sees what its own view holds and nothing else', async (name, read, seen) => {
    const { cache } = await start(TENANTS);
    const views = viewsOf(cache);
    await views['acme']!.set('k', 'acme');
    for (const [who, view] of Object.entries(views)) {
      const answer = await read(view);
      if (who === 'acme') expect(answer).toEqual(seen);
      else expect(JSON.stringify(answer ?? null)).not.toContain('acme');
      if (name === 'keys' && who !== 'acme') expect(answer).toEqual([]);
      if (name === 'has' && who !== 'acme') expect(answer).toBe(false);
    }
  });

  it('the service is a view of whoever is asking', async () => {
    const { cache, as } = await start(TENANTS);
    const views = viewsOf(cache);
    await as('acme/ann', async () => {
      await cache.set('k', 'shared');
      await cache.user('ann').set('k', 'own');
      await cache.user('bob').set('k', 'of bob');
      await cache.tenant('globex').set('k', 'elsewhere');
      await cache.global().set('k', 'everywhere');
    });
    const values = await Promise.all(Object.values(views).map((view) => view.get('k')));
    expect(values).toEqual(['shared', 'own', 'of bob', 'elsewhere', undefined, 'everywhere']);
    expect(await as('acme/zoe', () => cache.get('k'))).toBe('shared');
    expect(await as('globex', () => cache.get('k'))).toBe('elsewhere');
    const user = cache.user('ann');
    expect([await as('acme', () => user.get('k')), await as('globex', () => user.get('k'))]).toEqual([
      'own',
      undefined,
    ]);
  });

  it('a view can be kept, and views made from it leave it as it is', async () => {
    const { cache } = await start(TENANTS);
    const reports = cache.tenant('acme').namespace('reports');
    await reports.set('k', 1);
    await reports.user('ann').set('k', 2);
    await reports.namespace('other').set('k', 3);
    await reports.global().set('k', 4);
    expect(await reports.get('k')).toBe(1);
    expect(await cache.global().namespace('reports').get('k')).toBe(4);
    expect(await reports.user('ann').tenant('acme').get('k')).toBe(1);
    expect(await reports.clear()).toBe(2);
    expect(await cache.tenant('acme').namespace('other').get('k')).toBe(3);
  });
});

describe('a scope that is missing', () => {
  const reads: Record<string, (cache: ScopedCache) => Promise<unknown>> = {
    get: (cache) => cache.get('k', { default: 'none' }),
    has: (cache) => cache.has('k'),
    getMany: (cache) => cache.getMany(['k']),
    getOrSet: (cache) => cache.getOrSet('k', () => 'made'),
    ttl: (cache) => cache.ttl('k'),
    keys: (cache) => collect(cache.keys()),
    'warm with a loader': (cache) => cache.warm([{ key: 'k', load: () => 'made' }]),
  };
  const others: Record<string, (cache: ScopedCache) => Promise<unknown>> = {
    set: (cache) => cache.set('k', 1),
    setMany: (cache) => cache.setMany([['k', 1]]),
    delete: (cache) => cache.delete('k'),
    deleteMany: (cache) => cache.deleteMany(['k']),
    expire: (cache) => cache.expire('k', 1),
    increment: (cache) => cache.increment('k'),
    decrement: (cache) => cache.decrement('k'),
    invalidate: (cache) => cache.invalidate('*'),
    invalidateTags: (cache) => cache.invalidateTags(['t']),
    clear: (cache) => cache.clear(),
    stats: (cache) => cache.stats(),
    warm: (cache) => cache.warm([{ key: 'k', value: 1 }]),
  };

  it.each(Object.keys({ ...reads, ...others }))('fails %s, and nothing wider is touched', async (verb) => {
    const { cache, as } = await start(TENANTS);
    for (const view of Object.values(viewsOf(cache))) await view.set('k', 'kept', { tags: ['t'] });
    const call = { ...reads, ...others }[verb]!;
    for (const attempt of [
      (): Promise<unknown> => call(cache),
      (): Promise<unknown> => as('', () => call(cache)),
      (): Promise<unknown> => as(' \t\n', () => call(cache)),
      (): Promise<unknown> => as('/ann', () => call(cache)),
      (): Promise<unknown> => call(cache.user('ann')),
      (): Promise<unknown> => as('/ann', () => call(cache.user('ann'))),
      (): Promise<unknown> => call(cache.namespace('default')),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'CACHE_SCOPE_MISSING' });
    }
    for (const view of Object.values(viewsOf(cache))) expect(await view.get('k')).toBe('kept');
  });

  it('with bypass reads as if nothing was there, and still fails what writes or removes', async () => {
    const { cache } = await start({ scope: { ...TENANTS.scope, onMissing: 'bypass' } });
    await cache.global().set('k', 'kept');
    const answers: Record<string, unknown> = {};
    for (const [verb, read] of Object.entries(reads)) answers[verb] = await read(cache);
    expect(answers).toEqual({
      get: 'none',
      has: false,
      getMany: new Map(),
      getOrSet: 'made',
      ttl: undefined,
      keys: [],
      'warm with a loader': 1,
    });
    for (const write of Object.values(others))
      await expect(write(cache)).rejects.toMatchObject({ code: 'CACHE_SCOPE_MISSING' });
    expect(await cache.totals()).toMatchObject({ size: 1, bypasses: 7 });
  });

  it.each<[string, (cache: CacheService) => unknown]>([
    ["tenant('')", (cache) => cache.tenant('')],
    ["tenant(' ')", (cache) => cache.tenant(' ')],
    ['tenant(undefined)', (cache) => cache.tenant(undefined as never)],
    ['tenant(null)', (cache) => cache.tenant(null as never)],
    ['tenant(0)', (cache) => cache.tenant(0 as never)],
    ['tenant(NaN)', (cache) => cache.tenant(NaN as never)],
    ['tenant(false)', (cache) => cache.tenant(false as never)],
    ['user(undefined)', (cache) => cache.user(undefined as never)],
    ["user('')", (cache) => cache.user('')],
    ["tenant('acme').user('')", (cache) => cache.tenant('acme').user('')],
    ["tenant('acme').user(undefined)", (cache) => cache.tenant('acme').user(undefined as never)],
    ['for({})', (cache) => cache.for({})],
    ["for({ user: 'ann' })", (cache) => cache.for({ user: 'ann' })],
    ["for({ tenant: '', user: 'ann' })", (cache) => cache.for({ tenant: '', user: 'ann' })],
    ["for({ tenant: 'acme', user: undefined })", (cache) => cache.for({ tenant: 'acme', user: undefined })],
    ["for({ tenant: 'acme', user: '' })", (cache) => cache.for({ tenant: 'acme', user: '' })],
    ["for({ tenant: 'acme', user: null })", (cache) => cache.for({ tenant: 'acme', user: null as never })],
  ])('said by %s throws at once, inside and outside of a scope', async (_, make) => {
    const { cache, as } = await start(TENANTS);
    expect(() => make(cache)).toThrow(expect.objectContaining({ code: 'CACHE_SCOPE_MISSING' }));
    expect(() => as('acme/ann', () => make(cache))).toThrow(expect.objectContaining({ code: 'CACHE_SCOPE_MISSING' }));
  });

  it.each([
    [['acme']],
    [{ toString: () => 'acme' }],
    [Symbol('acme')],
    [new String('acme')],
    [Buffer.from('acme')],
    [7],
    ['\ud800'],
    ['a'.repeat(257)],
  ])('that is none is refused: %p (C2, C7, C8)', async (id) => {
    const { cache } = await start(TENANTS);
    for (const attempt of [
      (): unknown => cache.tenant(id as never),
      (): unknown => cache.user(id as never),
      (): unknown => cache.for({ tenant: id as never }),
      (): unknown => cache.runInScope({ tenant: id as never }, () => 1),
      (): unknown => cache.runInScope({ tenant: 'acme', user: id as never }, () => 1),
    ])
      expect(attempt).toThrow(expect.objectContaining({ code: 'CACHE_SCOPE_INVALID' }));
  });
});

describe('runInScope', () => {
  it('returns what the work returns, and nests: the inner scope is all there is', async () => {
    const { cache, as } = await start(TENANTS);
    expect(cache.runInScope({ tenant: 'acme' }, () => 7)).toBe(7);
    expect(() =>
      cache.runInScope({ tenant: 'acme' }, () => {
        throw new RangeError('work');
      }),
    ).toThrow(RangeError);
    await as('acme/ann', async () => {
      await cache.set('k', 'acme');
      await as('globex', async () => {
        expect(await cache.get('k')).toBeUndefined();
        // The user of the surroundings is not the inner tenant's.
        const ambient = await cache.runInScope({ tenant: 'globex' }, () =>
          cache
            .namespace('x')
            .user('ann')
            .getOrSet('k', ({ scope }) => ({ ...scope })),
        );
        expect(ambient).toEqual({ tenant: 'globex', user: 'ann' });
      });
      await expect(cache.runInScope({}, () => cache.get('k'))).rejects.toMatchObject({ part: 'tenant' });
      await expect(cache.runInScope({ user: 'ann' }, () => cache.get('k'))).rejects.toMatchObject({ part: 'tenant' });
      expect(await cache.get('k')).toBe('acme');
    });
  });

  it('inside a loader does not hide what is read from keeping the result out of a wider entry (C16)', async () => {
    const { cache, as, events } = await start(TENANTS);
    await as('acme/ann', async () => {
      const shared = cache.namespace('shared');
      const load = (): Promise<string> =>
        shared.getOrSet('k', () =>
          cache.runInScope({ tenant: 'acme', user: 'ann' }, () => cache.user('ann').getOrSet('own', () => 'of ann')),
        );
      expect([await load(), await load()]).toEqual(['of ann', 'of ann']);
      const foreign = (): Promise<string> =>
        shared.getOrSet('f', () => cache.tenant('globex').getOrSet('k', () => 'of globex'));
      await foreign();
      expect(await shared.has('f')).toBe(false);
      expect(await shared.has('k')).toBe(false);
    });
    expect(events.of('scope-leak').length).toBeGreaterThanOrEqual(3);
  });

  it('keeps scopes frozen: nobody can change whose call it is while it runs', async () => {
    const { cache } = await start(TENANTS);
    const ids = { tenant: 'acme' };
    await cache.runInScope(ids, async () => {
      ids.tenant = 'globex';
      await cache.set('k', 1);
      await cache.getOrSet('s', ({ scope }) => {
        expect(() => Object.assign(scope, { tenant: 'globex' })).toThrow(TypeError);
        return 1;
      });
    });
    expect([await cache.tenant('acme').get('k'), await cache.tenant('globex').get('k')]).toEqual([1, undefined]);
  });
});

describe('reading and writing', () => {
  it('get tells nothing from null, and takes a default', async () => {
    const { cache } = await start({});
    await cache.set('null', null);
    for (const [key, value] of [
      ['zero', 0],
      ['empty', ''],
      ['no', false],
    ] as const)
      await cache.set(key, value);
    expect([await cache.get('none'), await cache.get('none', { default: 7 })]).toEqual([undefined, 7]);
    expect([await cache.get('null', { default: 7 }), await cache.get('zero', { default: 7 })]).toEqual([null, 0]);
    expect([await cache.get('empty', { default: 7 }), await cache.get('no', { default: 7 })]).toEqual(['', false]);
    expect([await cache.has('null'), await cache.has('none')]).toEqual([true, false]);
  });

  it('set replaces, refuses undefined and what cannot be stored, and leaves the old value then', async () => {
    const { cache } = await start({});
    await cache.set('k', 1);
    await cache.set('k', 2);
    await expect(cache.set('k', undefined)).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
    await expect(cache.set('k', () => 1)).rejects.toMatchObject({ code: 'CACHE_UNSERIALIZABLE' });
    await expect(cache.set('k', 'x'.repeat(2_000_000))).rejects.toMatchObject({ code: 'CACHE_VALUE_TOO_LARGE' });
    await expect(cache.set('k', 3, { ttl: 0 })).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
    expect(await cache.get('k')).toBe(2);
  });

  it('keys are texts, numbers, dates and lists, each its own; nothing is no key', async () => {
    const { cache } = await start({});
    const keys: CacheKey[] = [
      '1',
      1,
      1n,
      true,
      new Date(1),
      ['1', 1],
      [['1'], 1],
      { id: 1 },
      { id: '1' },
      'a:b',
      ['a', 'b'],
    ];
    for (const [index, key] of keys.entries()) await cache.set(key, index);
    for (const [index, key] of keys.entries()) expect(await cache.get(key)).toBe(index);
    expect(await cache.get([1])).toBe(1);
    for (const none of ['', null, undefined, Symbol('k'), () => 1] as never[])
      await expect(cache.get(none)).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' });
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
      await cache.set(name, name);
      expect(await cache.get(name)).toBe(name);
    }
  });

  it('getMany and setMany go together, and keep the keys as they were given', async () => {
    const { cache } = await start({});
    const parts = ['b', 2];
    await cache.setMany(
      new Map<CacheKey, unknown>([
        ['a', 1],
        [parts, null],
      ]),
      { ttl: '1m', tags: ['t'] },
    );
    const found = await cache.getMany(['a', parts, 'none']);
    expect([...found]).toEqual([
      ['a', 1],
      [parts, null],
    ]);
    expect([...(await cache.getMany([]))]).toEqual([]);
    await cache.setMany([]);
    expect(await cache.ttl('a')).toBe(60_000);
    await cache.invalidateTags(['t']);
    expect((await cache.getMany(['a', parts])).size).toBe(0);
    await expect(
      cache.setMany([
        ['x', 1],
        ['y', undefined],
      ]),
    ).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
    expect(await cache.has('x')).toBe(false);
  });

  it.each([undefined, null, {}, 5, 'abc', () => ['a']])(
    'what is no list of many is refused by name: %p',
    async (none) => {
      const { cache } = await start({});
      await cache.setMany(Object.entries({ a: 1, b: 2, c: 3 }));
      const list = none as never;
      for (const [argument, call] of [
        ['keys', () => cache.getMany(list)],
        ['keys', () => cache.deleteMany(list)],
        ['entries', () => cache.setMany(list)],
      ] as const) {
        await expect(call()).rejects.toMatchObject({ code: 'CACHE_CONFIG', option: argument });
      }
      expect((await cache.getMany(new Set(['a', 'b', 'c']) as never)).size).toBe(3);
    },
  );

  it.each([['ab'], [undefined], [['a']], [['a', 1, 2]]])(
    'an entry of many that is no pair stores none: %p',
    async (one) => {
      const { cache } = await start({});
      const stored = cache.setMany([['x', 1], one as never]);
      await expect(stored).rejects.toMatchObject({ code: 'CACHE_CONFIG', option: 'entries' });
      expect(await cache.has('x')).toBe(false);
    },
  );

  it('delete says whether something was there, deleteMany how many', async () => {
    const { cache } = await start({});
    await cache.setMany([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    expect([await cache.delete('a'), await cache.delete('a')]).toEqual([true, false]);
    expect(await cache.deleteMany(new Set(['a', 'b', 'c']))).toBe(2);
    expect(await cache.deleteMany([])).toBe(0);
  });

  it('getOrSet loads once for all who ask, hands its context over, and stores neither undefined nor errors', async () => {
    const { cache, as } = await start(TENANTS);
    const next = counter();
    await as('acme/ann', async () => {
      const all = await Promise.all([1, 2, 3].map(() => cache.getOrSet('k', async () => next())));
      expect(all).toEqual(['#1', '#1', '#1']);
      const told = ({ scope, signal, previous }: LoaderContext): unknown[] => [
        scope.tenant,
        scope.user ?? 'nobody',
        signal.aborted,
        previous ?? 'nothing',
      ];
      expect(await cache.user('ann').getOrSet('told', told)).toEqual(['acme', 'ann', false, 'nothing']);
      expect(await cache.getOrSet('told', told)).toEqual(['acme', 'nobody', false, 'nothing']);
      expect(await cache.getOrSet<unknown>('u', () => undefined)).toBeUndefined();
      await expect(
        cache.getOrSet('e', () => {
          throw new RangeError('load');
        }),
      ).rejects.toThrow(RangeError);
      expect([await cache.has('u'), await cache.has('e')]).toEqual([false, false]);
      const said = cache.getOrSet('said', (context) => {
        context.tag('from-loader');
        context.ttl('7s');
        return 1;
      });
      await said;
      expect(await cache.ttl('said')).toBe(7_000);
      await cache.invalidateTags(['from-loader']);
      expect(await cache.has('said')).toBe(false);
      await cache.getOrSet('skipped', (context) => (context.skip(), 1));
      expect(await cache.has('skipped')).toBe(false);
    });
  });

  it('getOrSet takes the policy of its namespace, and of the call over it', async () => {
    const { cache, clock } = await start({ namespaces: { short: { ttl: '1s' } } });
    const short = cache.namespace('short');
    await short.getOrSet('a', () => 1);
    await short.getOrSet('b', () => 1, { ttl: '1m' });
    await short.getOrSet('c', (): { days: number } => ({ days: 2 }), {
      ttl: ({ days }) => days * 1_000,
    });
    expect([await short.ttl('a'), await short.ttl('b'), await short.ttl('c')]).toEqual([1_000, 60_000, 2_000]);
    await clock.advance(1_000);
    expect([await short.has('a'), await short.has('b'), await short.has('c')]).toEqual([false, true, true]);
    await expect(short.getOrSet('d', () => 1, { ttl: 'soon' as never })).rejects.toMatchObject({ option: 'ttl' });
  });

  it('ttl and expire', async () => {
    const { cache, clock } = await start({});
    await cache.set('k', 1, { ttl: '10s' });
    await cache.set('ever', 1, { ttl: null });
    await clock.advance(4_000);
    expect([await cache.ttl('k'), await cache.ttl('ever'), await cache.ttl('none')]).toEqual([6_000, null, undefined]);
    expect([await cache.expire('k', '1m'), await cache.expire('none', '1m')]).toEqual([true, false]);
    expect(await cache.ttl('k')).toBe(60_000);
    expect(await cache.expire('k', null)).toBe(true);
    expect(await cache.ttl('k')).toBeNull();
    expect(await cache.expire('ever', 1)).toBe(true);
    await clock.advance(1);
    expect([await cache.get('ever'), await cache.expire('ever', 1)]).toEqual([undefined, false]);
    for (const ttl of [0, -1, NaN, Infinity, '10', 'x'])
      await expect(cache.expire('k', ttl as never)).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
  });

  it('increment counts per window: the expiry is set with the counter and stays', async () => {
    const { cache, clock } = await start({});
    expect(await cache.increment('n', 1, { ttl: '1m', tags: ['t'] })).toBe(1);
    await clock.advance(30_000);
    expect([
      await cache.increment('n', 5, { ttl: '1m' }),
      await cache.decrement('n', 2),
      await cache.decrement('n'),
    ]).toEqual([6, 4, 3]);
    expect([await cache.ttl('n'), await cache.get('n')]).toEqual([30_000, 3]);
    await clock.advance(30_000);
    expect(await cache.increment('n')).toBe(1);
    expect(await cache.decrement('fresh', 3)).toBe(-3);
    await cache.set('text', 'x');
    await expect(cache.increment('text')).rejects.toMatchObject({ code: 'CACHE_NOT_A_COUNTER' });
    for (const by of [0.5, NaN, Infinity, '1', 2 ** 53])
      await expect(cache.increment('n', by as never)).rejects.toMatchObject({ option: 'by' });
    const counted = await Promise.all(Array.from({ length: 50 }, () => cache.increment('many')));
    expect(Math.max(...counted)).toBe(50);
  });

  it('keys lists what matches, of its own namespace and width only', async () => {
    const { cache } = await start({});
    const acme = cache.tenant('acme').namespace('reports');
    await acme.setMany([
      ['r:1', 1],
      ['r:2', 2],
      [['r', 'x'], 3],
      ['other', 4],
      ['odd*', 5],
    ]);
    await acme.user('ann').set('r:own', 1);
    await acme.namespace('else').set('r:else', 1);
    await cache.tenant('globex').namespace('reports').set('r:foreign', 1);
    await cache.global().namespace('reports').set('r:global', 1);
    expect(await collect(acme.keys())).toEqual(['odd*', 'other', 'r:1', 'r:2', 'r:x']);
    expect(await collect(acme.keys('r:*'))).toEqual(['r:1', 'r:2', 'r:x']);
    expect(await collect(acme.keys('r:[12]'))).toEqual(['r:1', 'r:2']);
    expect(await collect(acme.keys('odd\\*'))).toEqual(['odd*']);
    expect(await collect(acme.user('ann').keys())).toEqual(['r:own']);
    await expect(collect(acme.keys('['))).rejects.toMatchObject({ code: 'CACHE_PATTERN_INVALID' });
    const many = cache.namespace('many');
    await many.setMany(Array.from({ length: 2_500 }, (_, index) => [index, index]));
    expect((await collect(many.keys())).length).toBe(2_500);
  });

  it('patterns are refused where keys are digests, and everything else works', async () => {
    const { cache } = await start({ keys: { hashSecret: 'a secret of enough bytes' } });
    const acme = cache.tenant('acme');
    await acme.set('k', 1, { tags: ['t'] });
    await expect(collect(acme.keys())).rejects.toMatchObject({ code: 'CACHE_PATTERN_UNSUPPORTED' });
    await expect(acme.invalidate('*')).rejects.toMatchObject({ code: 'CACHE_PATTERN_UNSUPPORTED' });
    expect(await acme.get('k')).toBe(1);
    expect(await acme.clear()).toBe(1);
  });

  it('invalidate and clear count what was live', async () => {
    const { cache, clock } = await start({});
    const acme = cache.tenant('acme');
    await acme.set('gone', 1, { ttl: 10 });
    await acme.setMany([
      ['a1', 1],
      ['a2', 2],
      ['b', 3],
    ]);
    await acme.user('ann').set('a3', 1);
    await clock.advance(10);
    expect(await acme.invalidate('a*')).toBe(3);
    expect(await acme.clear()).toBe(1);
    expect(await acme.clear()).toBe(0);
  });

  it('invalidateTags reaches across namespaces and takes any of the tags', async () => {
    const { cache } = await start({});
    const acme = cache.tenant('acme');
    await acme.namespace('a').set('k', 1, { tags: ['x', 'y'] });
    await acme.namespace('b').set('k', 1, { tags: ['y'] });
    await acme.namespace('c').set('k', 1, { tags: ['z'] });
    await acme.invalidateTags(['x', 'z'], { match: 'any' });
    expect([
      await acme.namespace('a').has('k'),
      await acme.namespace('b').has('k'),
      await acme.namespace('c').has('k'),
    ]).toEqual([false, true, false]);
    await acme.invalidateTags([]);
    expect(await acme.namespace('b').has('k')).toBe(true);
    await expect(acme.invalidateTags([''])).rejects.toMatchObject({ code: 'CACHE_TAG_INVALID' });
    await expect(acme.invalidateTags(['x'], { match: 'all' as never })).rejects.toMatchObject({ option: 'match' });
  });

  it('clearEverything crosses tenants, and wants to be meant', async () => {
    const { cache } = await start(TENANTS);
    const views = Object.values(viewsOf(cache));
    for (const view of views) await view.set('k', 1);
    await expect(cache.clearEverything(undefined as never)).rejects.toMatchObject({ option: 'confirm' });
    await expect(cache.clearEverything({ confirm: true } as never)).rejects.toMatchObject({ option: 'confirm' });
    expect(await cache.clearEverything({ confirm: 'all tenants' })).toBe(views.length);
    expect((await cache.totals()).size).toBe(0);
  });
});

describe('warm', () => {
  async function* slowly<T>(entries: T[]): AsyncGenerator<T> {
    for (const entry of entries) {
      await Promise.resolve();
      yield entry;
    }
  }

  it('stores values and loads what is missing, from lists and from streams of entries', async () => {
    const { cache } = await start({});
    const next = counter();
    await cache.set('b', 'there');
    const entries = [
      { key: 'a', value: 1, options: { ttl: '1m' as const, tags: ['t'] } },
      { key: 'b', load: next },
      { key: 'c', load: async () => next('c') },
      { key: 'd', load: () => undefined },
    ];
    expect(await cache.warm(slowly(entries))).toBe(3);
    expect([await cache.get('a'), await cache.get('b'), await cache.get('c'), await cache.has('d')]).toEqual([
      1,
      'there',
      'c #1',
      false,
    ]);
    expect(await cache.ttl('a')).toBe(60_000);
    expect(await cache.warm(new Set([{ key: 'e', value: 5 }]))).toBe(1);
    expect(await cache.warm([])).toBe(0);
  });

  it('works on so many at once, and tells how far it is', async () => {
    const { cache } = await start({});
    let now = 0;
    let most = 0;
    const progress: number[] = [];
    const entries = Array.from({ length: 20 }, (_, key) => ({
      key,
      load: async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        return key;
      },
    }));
    expect(await cache.warm(entries, { concurrency: 3, onProgress: (done) => progress.push(done) })).toBe(20);
    expect(most).toBe(3);
    expect(progress).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    for (const concurrency of [0, -1, 1.5, 1_001, '3'])
      await expect(cache.warm([], { concurrency: concurrency as never })).rejects.toMatchObject({
        option: 'concurrency',
      });
  });

  it('asks an iterator for one entry at a time', async () => {
    const { cache } = await start({});
    let left = 30;
    let asked = 0;
    const entries: AsyncIterable<{ key: string; value: number }> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          expect(++asked).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          asked--;
          return left-- > 0
            ? { done: false, value: { key: `${left}`, value: left } }
            : { done: true, value: undefined };
        },
      }),
    };
    expect(await cache.warm(entries, { concurrency: 8 })).toBe(30);
  });

  it('ends with the first error, takes no more entries, and lets the iterator clean up', async () => {
    const { cache } = await start({});
    let taken = 0;
    let isCleanedUp = false;
    async function* endless(): AsyncGenerator<{ key: number; load: () => number }> {
      try {
        for (;;) {
          const key = taken++;
          yield {
            key,
            load: () => {
              if (key === 5) throw new RangeError('load');
              return key;
            },
          };
        }
      } finally {
        isCleanedUp = true;
      }
    }
    await expect(cache.warm(endless(), { concurrency: 2 })).rejects.toThrow(RangeError);
    expect([taken < 12, isCleanedUp]).toEqual([true, true]);
    let loaded = 0;
    const list = Array.from({ length: 100 }, (_, key) => ({ key: ['list', key], load: () => fail(++loaded) }));
    const fail = (at: number): number => {
      if (at === 5) throw new RangeError('load');
      return at;
    };
    await expect(cache.warm(list, { concurrency: 2 })).rejects.toThrow(RangeError);
    expect(loaded).toBeLessThan(12);
    async function* broken(): AsyncGenerator<{ key: string; value: number }> {
      yield { key: 'a', value: 1 };
      throw new RangeError('source');
    }
    await expect(cache.warm(broken())).rejects.toThrow('source');
    expect(await cache.get('a')).toBe(1);
  });
});

describe('figures', () => {
  it('stats are those of the view, totals those of all', async () => {
    const { cache, as } = await start({ ...TENANTS, backend: memory({ maxEntries: 100 }) });
    await as('acme/ann', async () => {
      await cache.set('a', 1);
      await cache.get('a');
      await cache.get('none');
      await cache
        .user('ann')
        .namespace('own')
        .getOrSet('k', () => 1);
      await cache.delete('a');
      await cache.getOrSet('u', () => undefined);
    });
    await as('globex', () => cache.get('x'));
    expect(await as('acme', () => cache.stats())).toEqual({
      since: expect.any(Date),
      complete: true,
      hits: 1,
      misses: 3,
      coalesced: 0,
      stale: 0,
      bypasses: 0,
      hitRate: 0.25,
      sets: 2,
      evictions: 1,
      displaced: 0,
      refused: 1,
      errors: 0,
      size: 1,
      memoryUsage: expect.any(Number),
      utilization: 0.01,
    });
    const own = cache.for({ tenant: 'acme', user: 'ann' });
    expect(await own.stats()).toMatchObject({ hits: 0, misses: 1, sets: 1, size: 1 });
    expect(await own.namespace('default').stats()).toMatchObject({ misses: 0, size: 0 });
    expect(await cache.tenant('acme').namespace('own').stats()).toMatchObject({ misses: 1, size: 1 });
    expect(await cache.tenant('globex').stats()).toMatchObject({ hits: 0, misses: 1, hitRate: 0, size: 0 });
    expect(await cache.totals()).toMatchObject({ hits: 1, misses: 4, size: 1 });
  });

  it('info and ping ask the backend', async () => {
    const { cache } = await start({ backend: memory({ maxEntries: 7 }) });
    await cache.set('k', 1);
    expect(await cache.info()).toMatchObject({ kind: 'memory', entries: 1, maxEntries: 7 });
    expect(await cache.ping()).toBe(0);
  });
});

describe('a backend that fails', () => {
  it('lets reads answer, and fails what cannot be confirmed', async () => {
    const backend = chaos(memory());
    const { cache } = await start({ backend });
    await cache.set('k', 1);
    backend.break();
    expect([
      await cache.get('k'),
      await cache.get('k', { default: 2 }),
      await cache.has('k'),
      await cache.ttl('k'),
    ]).toEqual([undefined, 2, false, undefined]);
    expect((await cache.getMany(['k'])).size).toBe(0);
    expect(await cache.getOrSet('k', () => 3)).toBe(3);
    for (const attempt of [
      cache.delete('k'),
      cache.deleteMany(['k']),
      cache.clear(),
      cache.invalidate('*'),
      cache.invalidateTags(['t']),
      cache.clearEverything({ confirm: 'all tenants' }),
    ])
      await expect(attempt).rejects.toThrow(InvalidationUnknownError);
    for (const attempt of [
      cache.set('k', 1),
      cache.setMany([['k', 1]]),
      cache.increment('n'),
      cache.expire('k', 10_000),
      collect(cache.keys()),
      cache.getOrSet('k', () => 1, { failSilently: false }),
    ])
      await expect(attempt).rejects.toMatchObject({ code: 'CACHE_BACKEND' });
    await expect(cache.ping()).rejects.toThrow();
    backend.heal();
    expect(await cache.get('k')).toBe(1);
  });
});
