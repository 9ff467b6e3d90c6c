/** Several caches of an application: what one of them says of a call, who it is for and which load it is in, holds for all. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, type DynamicModule } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { concatMap, lastValueFrom, of, Subject, take } from 'rxjs';
import type { Foundation } from '../../../lib/assemble.js';
import { LateScopeResolver } from '../../../lib/context/late-scope-resolver.js';
import { ScopeTable } from '../../../lib/context/scope-table.js';
import {
  CACHE_CONTEXT,
  Cacheable,
  CacheContext,
  CacheModule,
  CachePut,
  CacheService,
  fromClaims,
  fromHeader,
  getCacheToken,
  ReentrantLoadError,
  ScopeMissingError,
  type CacheModuleOptions,
} from '../../../lib/index.js';
import { CACHE_EVENTS, CacheTestingModule, FakeClock, type RecordedEvents } from '../../../lib/testing.js';
import { KeptLog } from '../../e2e/support/quiet.js';
import { Query } from '../../support/queries/query.js';

const RESOLVE = fromClaims({ tenant: 'org', user: 'sub' });
const BY_REGION = fromHeader('x-region', { trusted: true });

@Injectable()
class Rows {
  constructor(
    @Inject(CACHE_CONTEXT) private readonly context: CacheContext,
    readonly cache: CacheService,
    @Inject(getCacheToken('sessions')) private readonly sessions: CacheService,
  ) {}

  whose(): string {
    const { tenant = 'nobody', user = '' } = this.context.scope();
    return `${tenant}/${user}`;
  }

  query(): Promise<string> {
    return new Query(() => this.whose()) as PromiseLike<string> as Promise<string>;
  }

  @Cacheable({ scope: 'user' })
  async mine(): Promise<string> {
    return this.whose();
  }

  @Cacheable({ scope: 'global' })
  forAll(): Promise<string> {
    return this.sessions.user('ann').getOrSet('k', () => this.whose());
  }

  @CachePut({ context: () => ({ tenant: 'globex' }), key: () => 'k' })
  put(): Promise<string> {
    return this.sessions.getOrSet('put', () => this.query());
  }
}

interface App {
  readonly module: TestingModule;
  readonly main: CacheService;
  readonly sessions: CacheService;
  readonly regions: CacheService;
  readonly rows: Rows;
  readonly clock: FakeClock;
  readonly events: RecordedEvents;
  as<R>(who: string, work: () => R): R;
}

const open: TestingModule[] = [];
afterEach(async () => {
  for (const module of open.splice(0)) await module.close();
});

async function start(
  regions: CacheModuleOptions = { scope: { default: 'global' } },
  context?: CacheContext,
): Promise<App> {
  const imports: DynamicModule[] = [
    CacheTestingModule.forTest({ scope: { resolve: RESOLVE } }),
    CacheModule.forRoot({ name: 'sessions', scope: { resolve: RESOLVE } }),
    CacheModule.forRoot({ ...regions, name: 'regions' }),
  ];
  const builder = Test.createTestingModule({ imports, providers: [Rows] }).setLogger(new KeptLog());
  if (context !== undefined) builder.overrideProvider(CACHE_CONTEXT).useValue(context);
  const module = await builder.compile();
  open.push(module);
  const main = module.get(CacheService);
  return {
    module,
    main,
    sessions: module.get(getCacheToken('sessions')),
    regions: module.get(getCacheToken('regions')),
    rows: module.get(Rows),
    clock: module.get(FakeClock),
    events: module.get<RecordedEvents>(CACHE_EVENTS),
    as: (who, work) => {
      const [tenant, user] = who.split('/');
      return main.runInScope({ tenant, user }, work);
    },
  };
}

const foundationOf = (cache: CacheService): Foundation =>
  (cache as unknown as { parts: { foundation: Foundation } }).parts.foundation;

/** Runs as the handler of a route, of which each of the caches finds out by itself who is asking. */
function asHandler<R>(app: App, request: object, work: () => R): R {
  const within = (cache: CacheService, resolve: typeof RESOLVE, next: () => R): R =>
    foundationOf(cache).context.serve(new LateScopeResolver(request, resolve, new ScopeTable()), next);
  return within(app.main, RESOLVE, () => within(app.sessions, RESOLVE, () => within(app.regions, BY_REGION, work)));
}

describe('user code in a load of one cache', () => {
  it('is seen in the scope of its key by the context of every cache: for another tenant, a tenant, everybody', async () => {
    const { sessions, regions, rows, as } = await start();
    await as('acme/ann', async () => {
      expect(await sessions.tenant('globex').getOrSet('k', () => rows.query())).toBe('globex/');
      expect(await sessions.getOrSet('k', () => rows.query())).toBe('acme/');
      expect(await sessions.user('bob').getOrSet('k', () => rows.query())).toBe('acme/bob');
      expect(await regions.getOrSet('k', () => rows.query())).toBe('nobody/');
      expect(await sessions.for({ tenant: 'globex', user: 'gina' }).getOrSet('k', () => rows.query())).toBe(
        'globex/gina',
      );
    });
    expect(await sessions.tenant('globex').get('k')).toBe('globex/');
  });

  it('acts in the other caches for whom its key is, or for nobody', async () => {
    const { main, sessions, regions, rows, as } = await start();
    await as('acme/ann', async () => {
      await main.set('x', 'of acme');
      await expect(regions.getOrSet('k', () => main.get('x') as Promise<string>)).rejects.toThrow(ScopeMissingError);
      await expect(sessions.getOrSet('k', () => rows.mine())).rejects.toThrow(ScopeMissingError);
      expect(await sessions.tenant('globex').getOrSet('x', async () => (await main.get('x')) ?? 'nothing')).toBe(
        'nothing',
      );
      await expect(rows.forAll()).rejects.toThrow(ScopeMissingError);
    });
  });

  it('is that of a put as well', async () => {
    const { sessions, rows, as } = await start();
    expect(await as('acme/ann', () => rows.put())).toBe('globex/');
    expect(await sessions.tenant('globex').get('put')).toBe('globex/');
    expect(await sessions.tenant('acme').has('put')).toBe(false);
  });

  it('is in the scope of its key in a refresh, too', async () => {
    const { main, sessions, rows, as, clock } = await start();
    const inner = () => sessions.getOrSet('inner', () => rows.query(), { ttl: '1s' });
    const read = () => main.tenant('globex').getOrSet('k', inner, { ttl: '1m', staleWhileRevalidate: '1h' });
    expect(await as('acme/ann', read)).toBe('globex/');
    await clock.advance(90_000);
    await as('acme/bob', read);
    expect(await as('acme/bob', read)).toBe('globex/');
  });
});

describe('what a load of one cache reads from another', () => {
  it('is noticed: data of fewer people keep it from being stored', async () => {
    const { main, sessions, regions, as, events } = await start();
    await as('acme/ann', async () => {
      await main.set('x', 'of acme');
      const read = () => main.tenant('acme').get('x');
      expect(await regions.getOrSet('k', read)).toBe('of acme');
      expect(await regions.has('k')).toBe(false);
      expect(await sessions.tenant('globex').getOrSet('k', read)).toBe('of acme');
      expect(await sessions.tenant('globex').has('k')).toBe(false);
      // The other way round the main cache says so.
      await sessions.user('ann').set('mine', 1);
      await main.getOrSet('outer', () => sessions.user('ann').get('mine'));
      expect(await main.has('outer')).toBe(false);
      expect(events.types()).toContain('scope-leak');
      await main.getOrSet('same', () => sessions.tenant('acme').getOrSet('of tenant', () => 1));
      expect(await main.has('same')).toBe(true);
    });
  });

  it('bounds how long it is kept, on whichever clocks; tags are of one cache', async () => {
    const { main, sessions, as, clock } = await start();
    await as('acme', async () => {
      await clock.advance(86_400_000);
      await main.set('inner', 1, { ttl: '10s', tags: ['t'] });
      await sessions.getOrSet('outer', () => main.get('inner'), { ttl: '1h' });
      const left = (await sessions.ttl('outer')) as number;
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(10_000);
      await sessions.set('inner', 1, { ttl: '10s' });
      await main.getOrSet('outer', () => sessions.get('inner'), { ttl: '1h' });
      expect(await main.ttl('outer')).toBeLessThanOrEqual(10_000);
      await sessions.invalidateTags(['t']);
      expect(await sessions.has('outer')).toBe(true);
    });
  });

  it('may have a key of the same text', async () => {
    const { main, sessions, as } = await start();
    const read = () => main.getOrSet('k', () => sessions.getOrSet('k', () => 'inner'));
    expect(await as('acme', read)).toBe('inner');
  });

  it('is found to wait for itself, directly and in a circle of two', async () => {
    const { main, sessions, as } = await start();
    await as('acme', async () => {
      const own = (): Promise<unknown> => main.getOrSet('k', () => sessions.getOrSet('k', own)) as Promise<unknown>;
      await expect(own()).rejects.toThrow(ReentrantLoadError);
      const gates = [deferred(), deferred()];
      const meet = async (at: 0 | 1): Promise<void> => {
        gates[at]!.resolve(undefined);
        await gates[1 - at]!.promise;
      };
      const one: Promise<unknown> = main.getOrSet('one', async () => {
        await meet(0);
        return sessions.getOrSet('two', () => 'never');
      });
      const two: Promise<unknown> = sessions.getOrSet('two', async () => {
        await meet(1);
        return main.getOrSet('one', () => 'never');
      });
      const ends = await Promise.allSettled([one, two]);
      expect(ends.map(({ status }) => status)).toContain('rejected');
      for (const end of ends) if (end.status === 'rejected') expect(end.reason).toBeInstanceOf(ReentrantLoadError);
    });
  });
});

function deferred(): { promise: Promise<unknown>; resolve: (value: unknown) => void } {
  let resolve!: (value: unknown) => void;
  return { promise: new Promise((go) => (resolve = go)), resolve };
}

describe('runInScope, bindScope and keepScope of one cache', () => {
  it('hold for the others and for decorated methods', async () => {
    const { main, sessions, regions, rows } = await start();
    for (const cache of [main, sessions, regions])
      await cache.runInScope({ tenant: 'acme', user: 'ann' }, async () => {
        expect(rows.whose()).toBe('acme/ann');
        expect(await rows.mine()).toBe('acme/ann');
        expect(await sessions.getOrSet('k', ({ scope }) => scope.tenant)).toBe('acme');
        await cache.runInScope({ tenant: 'globex' }, async () => {
          expect(await main.getOrSet('n', ({ scope }) => scope.tenant)).toBe('globex');
        });
      });
    const bound = main.runInScope({ tenant: 'acme', user: 'bob' }, () => sessions.bindScope(() => rows.mine()));
    expect(await bound()).toBe('acme/bob');
  });
});

describe('a request, as each cache finds out who is asking', () => {
  const request = { user: { org: 'acme', sub: 'ann' }, headers: { 'x-region': 'eu' } };
  const caches = ({ main, sessions, regions }: App): CacheService[] => [main, sessions, regions];
  const tenants = (app: App): Promise<unknown[]> =>
    Promise.all(
      caches(app).map((cache) =>
        cache.getOrSet('t', ({ scope }) => scope.tenant ?? 'nobody').catch(({ name }: Error) => name),
      ),
    );

  async function proveOwn(app: App): Promise<void> {
    await asHandler(app, request, async () => {
      expect(await tenants(app)).toEqual(['acme', 'acme', 'eu']);
      // What is said in full holds for all of them, and the request is back afterwards.
      await app.regions.runInScope({ tenant: 'us' }, async () => {
        expect(await tenants(app)).toEqual(['us', 'us', 'us']);
      });
      expect(await app.main.tenant('globex').getOrSet('in', () => tenants(app))).toEqual([
        'globex',
        'globex',
        'globex',
      ]);
      const bound = app.main.bindScope(() => tenants(app));
      expect(await app.sessions.runInScope({ tenant: 'other' }, bound)).toEqual(['acme', 'acme', 'eu']);
      const source = new Subject<number>();
      const kept = lastValueFrom(
        source.pipe(
          take(1),
          app.regions.keepScope(),
          concatMap(() => tenants(app)),
        ),
      );
      app.main.runInScope({ tenant: 'other' }, () => source.next(1));
      expect(await kept).toEqual(['acme', 'acme', 'eu']);
      expect(await lastValueFrom(of(1).pipe(concatMap(() => tenants(app))))).toEqual(['acme', 'acme', 'eu']);
    });
    expect(await tenants(app)).toEqual(['ScopeMissingError', 'ScopeMissingError', 'ScopeMissingError']);
  }

  it('is its own for caches with resolvers of their own, and the same for those that share one', async () => {
    await proveOwn(await start({ scope: { resolve: BY_REGION } }));
  });

  it('is so where a test puts one context in the place of all', async () => {
    const context = new CacheContext();
    const app = await start({ scope: { resolve: BY_REGION } }, context);
    expect(app.module.get(CACHE_CONTEXT)).toBe(context);
    await proveOwn(app);
  });

  it('is nobody’s for a cache that says that it is global', async () => {
    const app = await start();
    const { context } = foundationOf(app.regions);
    await foundationOf(app.main).context.serve(new LateScopeResolver(request, RESOLVE, new ScopeTable()), async () => {
      expect(context.scope().tenant).toBeUndefined();
      expect(app.rows.whose()).toBe('acme/ann');
    });
  });

  it('that another request has inside of it takes nothing over but the load that it is in', async () => {
    const app = await start({ scope: { resolve: BY_REGION } });
    const other = { user: { org: 'globex', sub: 'gina' }, headers: {} };
    await asHandler(app, request, async () => {
      const { main, regions } = app;
      const nested = <R>(work: () => R): R =>
        foundationOf(main).context.serve(new LateScopeResolver(other, RESOLVE, new ScopeTable()), work);
      expect(await nested(() => tenants(app))).toEqual(['globex', 'globex', 'ScopeMissingError']);
      await regions.getOrSet('load', () => nested(() => tenants(app)));
      expect(await regions.has('load')).toBe(false);
    });
  });

  it('is watched by the load around it also in a cache that asks nobody', async () => {
    const { main, sessions, regions } = await start();
    const serve = (who: object, work: () => Promise<unknown>) =>
      foundationOf(main).context.serve(new LateScopeResolver(who, RESOLVE, new ScopeTable()), work);
    const read = () =>
      serve({ user: { org: 'other' } }, () => regions.for({ tenant: 'globex' }).get('x', { default: 0 }));
    await serve(request, () => sessions.tenant('acme').getOrSet('load', read));
    expect(await sessions.tenant('acme').has('load')).toBe(false);
  });
});

describe('applications in one process', () => {
  it('keep their scopes apart, and one that ends leaves those of the other alone', async () => {
    const [one, other] = [await start(), await start()];
    await one.as('acme', async () => {
      expect(other.rows.whose()).toBe('nobody/');
      await other.as('globex/gina', async () => {
        expect([one.rows.whose(), other.rows.whose()]).toEqual(['acme/', 'globex/gina']);
        await one.module.close();
        expect(await other.sessions.getOrSet('k', () => other.rows.query())).toBe('globex/');
      });
    });
    expect(await other.as('acme/ann', () => other.rows.mine())).toBe('acme/ann');
  });
});
