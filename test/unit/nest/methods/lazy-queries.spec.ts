/**
 * Query builders begin when a caller waits for them, and ask for the tenant then. They begin in the scope of the key
 * that they are loaded for, whichever way the loader is reached.
 */
import { Inject, Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CACHE_CONTEXT,
  Cacheable,
  type CacheContext,
  type CacheModuleOptions,
  CachePut,
  CacheService,
  memory,
} from '../../../../lib/index.js';
import { chaos } from '../../../../lib/testing.js';
import { BrokenQuery, PooledQuery, Query, UnreadableQuery } from '../../../support/queries/query.js';
import { closeAll, start, type Started } from '../support/start.js';

afterEach(closeAll);

const TENANTS: CacheModuleOptions = { scope: { default: 'tenant' } };
const FOR_GLOBEX = { context: () => ({ tenant: 'globex' }) };

@Injectable()
class Repository {
  constructor(
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
    readonly cache: CacheService,
  ) {}

  /** Says whose rows they are. */
  rows(): Query<string> {
    return new Query(() => this.whose());
  }

  whose(): string {
    const { tenant = 'nobody', user = '' } = this.context.scope();
    return `${tenant}/${user}`;
  }

  @Cacheable({ ...FOR_GLOBEX, staleWhileRevalidate: '1h', ttl: '1m' })
  ofGlobex(): PromiseLike<string> {
    return this.rows();
  }

  @Cacheable({ scope: 'global' })
  ofEverybody(): PromiseLike<string> {
    return this.rows();
  }

  @Cacheable({ ...FOR_GLOBEX, condition: () => false })
  uncached(): PromiseLike<string> {
    return this.rows();
  }

  @Cacheable({ scope: 'global', condition: () => false })
  uncachedOfEverybody(): PromiseLike<string> {
    return this.rows();
  }

  @Cacheable({ context: () => ({ tenant: undefined }) })
  ofNobody(): PromiseLike<string> {
    return this.rows();
  }

  @CachePut({ ...FOR_GLOBEX, key: 'put' })
  put(): PromiseLike<string> {
    return this.rows();
  }

  @CachePut({ ...FOR_GLOBEX, key: 'put', condition: () => false })
  putWithoutStoring(): PromiseLike<string> {
    return this.rows();
  }

  @CachePut({ scope: 'global', key: 'put' })
  putForEverybody(): PromiseLike<string> {
    return this.rows();
  }
}

type Way = (repository: Repository) => PromiseLike<unknown>;

const GLOBEX = 'globex/';
const NO_SCOPE = 'nobody/';

const WAYS: readonly [string, string, Way][] = [
  ['getOrSet for another tenant', GLOBEX, (it) => it.cache.tenant('globex').getOrSet('k', () => it.rows())],
  ['the same, promised', GLOBEX, (it) => it.cache.tenant('globex').getOrSet('k', async () => it.rows())],
  ['getOrSet for a user', 'acme/bob', (it) => it.cache.user('bob').getOrSet('k', () => it.rows())],
  ['getOrSet for everybody', NO_SCOPE, (it) => it.cache.global().getOrSet('k', () => it.rows())],
  [
    'a query that brings a query',
    GLOBEX,
    (it) => it.cache.tenant('globex').getOrSet('k', () => new Query(() => it.rows())),
  ],
  ['@Cacheable with a context', GLOBEX, (it) => it.ofGlobex()],
  ['@Cacheable for everybody', NO_SCOPE, (it) => it.ofEverybody()],
  ['@Cacheable whose condition says no', GLOBEX, (it) => it.uncached()],
  ['the same for everybody', NO_SCOPE, (it) => it.uncachedOfEverybody()],
  ['@CachePut with a context', GLOBEX, (it) => it.put()],
  ['@CachePut whose condition says no', GLOBEX, (it) => it.putWithoutStoring()],
  ['@CachePut for everybody', NO_SCOPE, (it) => it.putForEverybody()],
  ['runInScope', GLOBEX, (it) => it.cache.runInScope({ tenant: 'globex' }, () => it.rows())],
  ['the same, promised', GLOBEX, (it) => it.cache.runInScope({ tenant: 'globex' }, async () => it.rows())],
];

const by = ({ as, get }: Started, way: Way): PromiseLike<unknown> => as('acme/ann', async () => way(get(Repository)));

describe('a query begins in the scope of its key, and once', () => {
  it.each(WAYS)('by %s', async (_, expected, way) => {
    for (const enabled of [true, false]) {
      const started = await start({ ...TENANTS, enabled }, Repository);
      Query.runs = 0;
      expect(await by(started, way)).toBe(expected);
      // One that brings another is two.
      expect(Query.runs).toBe(_.endsWith('brings a query') ? 2 : 1);
    }
  });

  it.each(WAYS.slice(0, 8))('by %s, while the backend does not answer', async (_, expected, way) => {
    const started = await start({ ...TENANTS, backend: chaos(memory(), { throwRate: 1 }) }, Repository);
    expect(await by(started, way)).toBe(expected);
  });

  it('by a refresh behind an answer', async () => {
    const started = await start(TENANTS, Repository);
    await by(started, (it) => it.ofGlobex());
    await started.clock.advance(120_000);
    Query.runs = 0;
    expect(await by(started, (it) => it.ofGlobex())).toBe(GLOBEX);
    await started.clock.settle();
    expect(Query.runs).toBe(1);
    expect(started.events.of('load').at(-1)).toMatchObject({ isBackground: true, outcome: 'ok' });
    expect(await by(started, (it) => it.ofGlobex())).toBe(GLOBEX);
  });

  it('by warm', async () => {
    const started = await start(TENANTS, Repository);
    const globex = started.cache.tenant('globex');
    await by(started, (it) => globex.warm([{ key: 'k', load: () => it.rows() }]));
    expect(await globex.get('k')).toBe(GLOBEX);
  });

  it.each<[string, CacheModuleOptions, string, Way]>([
    ['@Cacheable', { scope: { default: 'tenant', onMissing: 'bypass' } }, NO_SCOPE, (it) => it.ofNobody()],
    [
      'a user of nobody',
      { scope: { default: 'tenant', onMissing: 'bypass' } },
      'nobody/bob',
      (it) => it.cache.runInScope({}, () => it.cache.user('bob').getOrSet('k', () => it.rows())),
    ],
  ])(
    'without a scope to be stored for: as whom it says, never as its caller (%s)',
    async (_, options, expected, way) => {
      expect(await by(await start(options, Repository), way)).toBe(expected);
    },
  );

  it('outside of every scope, by the context', async () => {
    const started = await start(TENANTS, Repository);
    const context = started.module.get<CacheContext>(CACHE_CONTEXT);
    expect(await by(started, (it) => context.outside(() => it.rows()))).toBe(NO_SCOPE);
  });
});

describe('a query whose answer comes out of somebody else’s callback', () => {
  const pooled = async (answer: (it: Repository) => unknown): Promise<unknown> => {
    const started = await start(TENANTS, Repository);
    const globex = started.cache.tenant('globex');
    const call = by(started, (it) => globex.getOrSet('k', () => new PooledQuery(answer(it))));
    await started.clock.settle();
    started.as('initech', () => PooledQuery.empty());
    return call;
  };

  it('may be another one, which begins in the scope of its key', async () => {
    expect(await pooled((it) => it.rows())).toBe(GLOBEX);
  });

  it('begins one, although it answers twice', async () => {
    const { cache } = await start({ scope: { default: 'tenant' } });
    const before = Query.runs;
    // oxlint-disable-next-line unicorn/no-thenable -- a query is what this is about
    const twice = { then: (take: (answer: unknown) => void) => [1, 2].forEach((n) => take(new Query(() => n))) };
    expect(await cache.tenant('acme').getOrSet('k', () => twice as unknown as PromiseLike<number>)).toBe(1);
    expect(Query.runs - before).toBe(1);
  });

  it('and fails where that one does', async () => {
    await expect(pooled(() => new UnreadableQuery())).rejects.toThrow('no such table');
  });
});

describe('what a query reads while it is loaded', () => {
  it('counts as read by its loader: data of fewer people keep the result from being stored', async () => {
    const { as, cache, events } = await start(TENANTS, Repository);
    const query = (): Query<unknown> => new Query(() => cache.user('ann').getOrSet('own', () => 'hers'));
    const ofAll = (): Promise<unknown> => cache.getOrSet('shared', query);
    expect(await as('acme/ann', ofAll)).toBe('hers');
    expect(events.of('refused').map(({ reason }) => reason)).toEqual(['tainted']);
  });

  it('gives the result its tags', async () => {
    const { as, cache } = await start(TENANTS, Repository);
    await as('acme', async () => {
      const part = (): Promise<unknown> => cache.getOrSet('part', () => 1, { tags: ['parts'] });
      await cache.getOrSet('whole', () => new Query(part));
      await cache.invalidateTags(['parts']);
      expect(await cache.has('whole')).toBe(false);
    });
  });
});

describe('a query that fails', () => {
  it.each<[string, () => PromiseLike<unknown>]>([
    ['by its promise', () => new Query(() => Promise.reject(new Error('no such table')))],
    ['at once', () => new BrokenQuery()],
    ['before it can begin', () => new UnreadableQuery()],
    ['by bringing one that fails', () => new Query(() => new UnreadableQuery())],
  ])('%s rejects, with its own error', async (_, query) => {
    for (const enabled of [true, false]) {
      const { as, cache } = await start({ ...TENANTS, enabled }, Repository);
      await expect(as('acme', () => cache.getOrSet('k', query))).rejects.toThrow('no such table');
      await expect(as('acme', async () => cache.runInScope({ tenant: 'globex' }, query))).rejects.toThrow(
        'no such table',
      );
    }
  });
});
