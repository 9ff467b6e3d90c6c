/** Decorators that say which of several caches they mean, and calls that cross tenants. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';
import {
  Cacheable,
  CacheConfig,
  CacheConfigError,
  CacheEvict,
  CacheModule,
  CachePut,
  CacheService,
  fromClaims,
  getCacheToken,
} from '../../../lib/index.js';
import { machineClock } from '../../../lib/core/clock.js';
import { CacheTestingModule } from '../../../lib/testing.js';
import { KeptLog } from '../../e2e/support/quiet.js';
import { proveCountsApart } from '../../support/machine/prove-apart.js';
import { counter } from './support/start.js';

const open: TestingModule[] = [];
afterEach(async () => {
  // Nest 11 says once more, when it is closed, why it has not started.
  for (const module of open.splice(0)) await module.close().catch(() => undefined);
});

type Change = (builder: TestingModuleBuilder) => TestingModuleBuilder;

async function start(
  imports: readonly (DynamicModule | Type)[],
  providers: readonly Provider[] = [],
  change: Change = (builder) => builder,
): Promise<TestingModule> {
  const builder = Test.createTestingModule({ imports: [...imports], providers: [...providers] });
  const module = await change(builder).setLogger(new KeptLog()).compile();
  open.push(module);
  return module.init();
}

async function refusal(starting: Promise<unknown>): Promise<string> {
  const error = await starting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CacheConfigError);
  return (error as Error).message;
}

const three = (): DynamicModule[] => [
  CacheModule.forRoot(),
  CacheModule.forRoot({ name: 'reports', defaults: { ttl: '7m' } }),
  CacheModule.forRootAsync({ name: 'rates', useFactory: async () => ({ namespaces: { usd: { ttl: '3m' } } }) }),
];
const cacheIn = (module: TestingModule, name?: string): CacheService => module.get(getCacheToken(name));
const sizes = async (module: TestingModule): Promise<number[]> =>
  Promise.all([undefined, 'reports', 'rates'].map(async (name) => (await cacheIn(module, name).stats()).size ?? -1));

@Injectable()
class Reports {
  readonly next = counter();

  @Cacheable()
  async plain(id: string): Promise<string> {
    return this.next('plain', id);
  }

  @Cacheable({ cache: 'reports', namespace: 'reports', key: (id: string) => id, tags: ['all'] })
  async find(id: string): Promise<string> {
    return this.next('find', id);
  }

  @Cacheable({ cache: 'rates', namespace: 'usd' })
  get rate(): Promise<string> {
    return Promise.resolve(this.next('rate'));
  }

  @CachePut({ cache: 'reports', namespace: 'reports', key: (id: string) => id })
  async put(id: string): Promise<string> {
    return this.next('put', id);
  }

  @CacheEvict({ method: 'find' })
  async forget(_id: string): Promise<void> {}

  @CacheEvict({ method: 'find', args: (_: string) => ['none'], tags: ['all'] })
  async forgetTagged(_id: string): Promise<void> {}

  @CacheEvict({ cache: 'reports', namespace: 'reports', allEntries: true })
  async forgetAll(): Promise<void> {}

  @CacheEvict({ namespace: 'reports', allEntries: true })
  async forgetElsewhere(): Promise<void> {}
}

describe('a decorator that says a cache', () => {
  it('keeps its entries there, by the policies of that cache, and nowhere else', async () => {
    const module = await start(three(), [Reports]);
    const reports = module.get(Reports);
    for (const turn of [1, 2]) {
      expect([turn, await reports.plain('a'), await reports.find('a'), await reports.rate]).toEqual([
        turn,
        'plain a #1',
        'find a #2',
        'rate #3',
      ]);
    }
    expect(await sizes(module)).toEqual([1, 1, 1]);
    const ttl = await cacheIn(module, 'reports').namespace('reports').ttl('a');
    expect(ttl).toBeGreaterThan(6 * 60_000);
    expect(ttl).toBeLessThanOrEqual(7 * 60_000);
    expect(await cacheIn(module, 'reports').namespace('reports').get('a')).toBe('find a #2');
  });

  it('puts and removes there: by method, by its tags, by namespace; the same words elsewhere mean another cache', async () => {
    const module = await start(three(), [Reports]);
    const reports = module.get(Reports);
    expect(await reports.put('a')).toBe('put a #1');
    await reports.forgetElsewhere();
    await reports.forget('b');
    expect(await reports.find('a')).toBe('put a #1');
    await reports.forget('a');
    expect(await reports.find('a')).toBe('find a #2');
    await reports.forgetTagged('b');
    expect(await reports.find('a')).toBe('find a #3');
    await reports.forgetAll();
    expect(await reports.find('a')).toBe('find a #4');
  });

  it('may be said for a class, and otherwise for one of its methods and by a class that inherits it', async () => {
    @CacheConfig({ cache: 'reports' })
    class Base {
      readonly next = counter();
      @Cacheable()
      async find(): Promise<string> {
        return this.next();
      }
      @Cacheable({ cache: 'rates' })
      async rate(): Promise<string> {
        return this.next();
      }
      @CacheEvict({ method: 'rate' })
      async forget(): Promise<void> {}
    }
    class Heir extends Base {}
    @CacheConfig({ cache: 'rates' })
    class Other extends Base {}
    const module = await start(three(), [Base, Heir, Other]);
    for (const type of [Base, Heir, Other]) {
      const object: Base = module.get(type);
      for (const method of ['find', 'rate'] as const) expect(await object[method]()).toBe(await object[method]());
    }
    expect(await sizes(module)).toEqual([0, 2, 4]);
    await module.get(Base).forget();
    expect(await sizes(module)).toEqual([0, 2, 3]);
  });

  it('works on objects of a factory, on adopted ones, on those of each request, and where its cache is another module’s', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class OfRequest {
      constructor(@Inject('n') private readonly n: { count: number }) {}
      @Cacheable({ cache: 'reports' })
      async find(): Promise<number> {
        return ++this.n.count;
      }
    }
    const made = { provide: 'made', useFactory: () => new Reports() };
    const hidden = CacheModule.forRoot({ name: 'reports', isGlobal: false });
    @Module({ imports: [hidden], providers: [OfRequest, { provide: 'n', useValue: { count: 0 } }, made] })
    class Feature {}
    const module = await start([CacheModule.forRoot(), CacheModule.forRoot({ name: 'rates' }), Feature]);
    for (let time = 0; time < 2; time++) expect(await (await module.resolve(OfRequest)).find()).toBe(1);
    const ours = module.get<Reports>('made');
    expect([await ours.find('a'), await ours.find('a')]).toEqual(['find a #1', 'find a #1']);
    @CacheConfig({ instances: 'shared' })
    class ByHand {
      runs = 0;
      @Cacheable({ cache: 'reports', namespace: 'by hand', key: 'k' })
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    const adopted = module.get(CacheService).adopt(new ByHand());
    expect([await adopted.find(), await adopted.find()]).toEqual([1, 1]);
  });

  it('waits for its cache, however long the options of that take', async () => {
    const slow = CacheModule.forRootAsync({
      name: 'slow',
      useFactory: async () => {
        await machineClock.sleep(30);
        return {};
      },
    });
    class Single {
      runs = 0;
      @Cacheable({ cache: 'slow' })
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    @CacheConfig({ cache: 'slow' })
    class Whole {
      runs = 0;
      @Cacheable()
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    for (const type of [Single, Whole]) {
      // Which does not wait for the other.
      const module = await start([CacheModule.forRoot({ scope: { default: 'global' } }), slow], [type]);
      const object = module.get<Single>(type);
      expect([await object.find(), await object.find()]).toEqual([1, 1]);
      expect((await cacheIn(module, 'slow').stats()).size).toBe(1);
    }
  });

  it('acts for the tenant of the call there, too', async () => {
    const scope = { resolve: fromClaims({ tenant: 'org' }) };
    const module = await start(
      [CacheModule.forRoot({ scope }), ...['reports', 'rates'].map((name) => CacheModule.forRoot({ name }))],
      [Reports],
    );
    const reports = module.get(Reports);
    const as = (tenant: string): Promise<string> =>
      module.get(CacheService).runInScope({ tenant }, () => reports.find('a'));
    expect([await as('acme'), await as('beta'), await as('acme')]).toEqual(['find a #1', 'find a #2', 'find a #1']);
  });

  it('simply runs where a test has put something in the place of that cache, and in a unit test', async () => {
    const stand = await start(three(), [Reports], (builder) =>
      builder.overrideProvider(getCacheToken('reports')).useValue({ get: () => undefined }),
    );
    const reports = stand.get(Reports);
    expect([await reports.find('a'), await reports.find('a')]).toEqual(['find a #1', 'find a #2']);
    expect([await reports.plain('a'), await reports.plain('a')]).toEqual(['plain a #3', 'plain a #3']);
    await reports.forget('a');
    const unit = (await start([CacheTestingModule.forUnit()], [Reports])).get(Reports);
    expect([await unit.find('a'), await unit.find('a')]).toEqual(['find a #1', 'find a #2']);
  });
});

describe('a cache that there is not', () => {
  const decorated: readonly (readonly [string, (options: never) => MethodDecorator])[] = [
    ['@Cacheable', Cacheable as never],
    ['@CachePut', CachePut as never],
    ['@CacheEvict', ((options: object) => CacheEvict({ ...options, tags: ['t'] } as never)) as never],
  ];

  it.each(decorated)('stops the start: %s names class, method and the caches there are', async (decorator, of) => {
    class Invoices {
      @of({ cache: 'reprots' } as never)
      async find(): Promise<number> {
        return 1;
      }
    }
    const said = await refusal(start(three(), [Invoices]));
    expect(said).toContain(`${decorator} Invoices.find.cache`);
    expect(said).toMatch(/'reprots'.*'reports', 'rates'/);
    expect(said).toContain("CacheModule.forRoot({ name: 'reprots' })");
    expect(await refusal(start([CacheModule.forRoot()], [Invoices]))).toContain('are: none');
    // Switched off or not.
    expect(await refusal(start([CacheModule.forRoot({ enabled: false }), ...three().slice(1)], [Invoices]))).toContain(
      "'reprots'",
    );
  });

  it('stops the start by the word of the class as well, and where the object comes later', async () => {
    @CacheConfig({ cache: 'reprots' })
    class Invoices {
      @Cacheable()
      async find(): Promise<number> {
        return 1;
      }
    }
    expect(await refusal(start(three(), [Invoices]))).toContain('@Cacheable Invoices.find.cache');
    const later = { provide: 'later', useFactory: () => new Invoices() };
    expect(await refusal(start(three(), [later]))).toContain('@Cacheable Invoices.find.cache');
  });

  it('is no name when it is no text', () => {
    for (const cache of ['', 7, null])
      expect(() => Cacheable({ cache } as never)({}, 'find', { value: async () => 1 })).toThrow(
        /cache: must be the name/,
      );
    expect(() => CacheConfig({ cache: '' })(class {})).toThrow(/cache: must be the name/);
  });

  it('a method that is kept in another cache than an eviction says is refused', async () => {
    class Mixed {
      @Cacheable({ cache: 'reports' })
      async find(): Promise<number> {
        return 1;
      }
      @CacheEvict({ cache: 'rates', method: 'find' })
      async forget(): Promise<void> {}
    }
    expect(await refusal(start(three(), [Mixed]))).toMatch(/@CacheEvict Mixed.forget.cache.*'rates'.*"find"/);
    class Unnamed {
      @Cacheable()
      async find(): Promise<number> {
        return 1;
      }
      @CacheEvict({ cache: 'rates', method: 'find' })
      async forget(): Promise<void> {}
    }
    expect(await refusal(start(three(), [Unnamed]))).toMatch(/@CacheEvict Unnamed.forget.cache.*'rates'.*"find"/);
  });
});

describe('clearing a namespace of all tenants', () => {
  const clearing = { confirm: 'all tenants' } as const;

  it('removes what every tenant and user has in it, and what all share, and leaves other namespaces', async () => {
    const { cache } = { cache: cacheIn(await start([CacheModule.forRoot({ scope: { default: 'tenant' } })])) };
    const views = [
      cache.tenant('acme'),
      cache.tenant('beta'),
      cache.for({ tenant: 'acme', user: 'ann' }),
      cache.global(),
    ];
    for (const view of views) for (const name of ['prices', 'cats']) await view.namespace(name).set('k', 1);
    expect(await cache.clearEverything({ ...clearing, namespace: 'prices' })).toBe(views.length);
    for (const view of views) {
      expect(await view.namespace('prices').get('k')).toBeUndefined();
      expect(await view.namespace('cats').get('k')).toBe(1);
    }
    expect(await cache.clearEverything({ ...clearing, namespace: 'never used' })).toBe(0);
  });

  it('refuses what is no namespace, a variable that is undefined above all, and removes nothing', async () => {
    const cache = cacheIn(await start([CacheModule.forRoot()]));
    await cache.set('k', 1);
    for (const namespace of [undefined, null, '', 7, 'a@2'])
      await expect(cache.clearEverything({ ...clearing, namespace: namespace as never })).rejects.toThrow(/namespace/);
    await expect(cache.clearEverything({ namespace: 'default' } as never)).rejects.toThrow(/confirm/);
    expect(await cache.get('k')).toBe(1);
  });

  it('does nothing where the cache is switched off', async () => {
    const cache = cacheIn(await start([CacheModule.forRoot({ enabled: false })]));
    expect(await cache.clearEverything({ ...clearing, namespace: 'prices' })).toBe(0);
  });
});

it('A110: a limit in a cache of its own goes on when the other is cleared', async () => {
  const module = await start([CacheModule.forRoot(), CacheModule.forRoot({ name: 'limits' })]);
  await proveCountsApart([cacheIn(module), cacheIn(module, 'limits')]);
});

it('removes what a base keeps in another cache although that of the override is off', async () => {
  const count = counter();
  @Injectable()
  class Prices {
    @Cacheable({ cache: 'reports', scope: 'global', ttl: '1h' })
    async find(_id: string): Promise<string> {
      return count();
    }
  }
  @Injectable()
  class Discounts extends Prices {
    @Cacheable({ scope: 'global', ttl: '1h' })
    override async find(id: string): Promise<string> {
      return super.find(id);
    }
    @CacheEvict({ method: 'find' })
    async change(_id: string): Promise<void> {
      // Its eviction is what it is for.
    }
  }
  const caches = [CacheModule.forRoot({ enabled: false }), CacheModule.forRoot({ name: 'reports' })];
  const discounts = (await start(caches, [Discounts])).get(Discounts);
  const first = await discounts.find('1');
  expect(await discounts.find('1')).toBe(first);
  await discounts.change('1');
  expect(await discounts.find('1')).not.toBe(first);
});
