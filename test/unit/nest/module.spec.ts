import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Inject, Injectable, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  CACHE_BACKEND,
  CACHE_CLOCK,
  CACHE_CONTEXT,
  CACHE_ENGINE,
  CACHE_FOUNDATION,
  CACHE_SCOPE_RESOLVER,
  CACHE_SETTINGS,
  Cacheable,
  CacheConfigError,
  CacheContext,
  CacheEvict,
  CacheModule,
  type CacheModuleOptions,
  type CacheOptionsFactory,
  CachePut,
  CacheScopeInterceptor,
  CacheService,
  type Backend,
  type BackendFactory,
  type CacheEvent,
  type Clock,
  fromRequest,
  getCacheToken,
  InjectCache,
  memory,
} from '../../../lib/index.js';
import { KeptLog } from '../../e2e/support/quiet.js';

const open: TestingModule[] = [];
afterEach(async () => {
  for (const module of open.splice(0)) await module.close();
});

/** Lines of the library, without the one that says what the cache is made of. */
function afterStart(kept: KeptLog): string[] {
  return kept.of('Cache').filter((line) => !line.startsWith('log backend: '));
}

async function start(
  imports: (DynamicModule | Promise<DynamicModule>)[],
  providers: Provider[] = [],
  adjust: (builder: ReturnType<typeof Test.createTestingModule>) => unknown = () => undefined,
): Promise<TestingModule & { readonly kept: KeptLog }> {
  const kept = new KeptLog();
  const builder = Test.createTestingModule({ imports, providers }).setLogger(kept);
  adjust(builder);
  const module = await builder.compile();
  open.push(module);
  await module.init();
  return Object.assign(module, { kept });
}

/** A backend that keeps entries in memory and notes what it is asked. */
function spied(): { readonly factory: BackendFactory; readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    factory: {
      kind: 'spied',
      create: (parts) =>
        new Proxy(memory().create(parts), {
          get(target, name) {
            const member: unknown = Reflect.get(target, name);
            if (typeof member !== 'function') return member;
            return (...args: unknown[]): unknown => {
              calls.push(String(name));
              return Reflect.apply(member, target, args);
            };
          },
        }),
    },
  };
}

@Injectable()
class Cats {
  runs = 0;

  @Cacheable({ scope: 'global', tags: ['cats'] })
  async find(id: string): Promise<string> {
    return `${id} ${++this.runs}`;
  }

  @CachePut({ namespace: 'Cats.find', scope: 'global', key: (id: string) => id })
  async put(id: string): Promise<string> {
    return `${id} ${++this.runs}`;
  }

  @CacheEvict({ method: 'find' })
  async forget(_id: string): Promise<void> {}
}

@Injectable()
class Source {
  readonly options: CacheModuleOptions = { prefix: 'from-source' };
}
@Module({ providers: [Source], exports: [Source] })
class SourceModule {}

@Injectable()
class OptionsClass implements CacheOptionsFactory {
  constructor(private readonly source: Source) {}

  async createCacheOptions(): Promise<CacheModuleOptions> {
    return this.source.options;
  }
}
@Module({ imports: [SourceModule], providers: [OptionsClass], exports: [OptionsClass] })
class OptionsModule {}

describe('registering a cache', () => {
  const prefixOf = (module: TestingModule): string => module.get<{ prefix: string }>(CACHE_SETTINGS).prefix;

  it('needs nothing: in memory, global by default', async () => {
    const module = await start([CacheModule.forRoot()], [Cats]);
    const cats = module.get(Cats);
    expect([await cats.find('a'), await cats.find('a')]).toEqual(['a 1', 'a 1']);
    await module.get(CacheService).set('x', 1);
    expect(await module.get(CacheService).get('x')).toBe(1);
    expect(module.get<Backend>(CACHE_BACKEND).kind).toBe('memory');
    expect(prefixOf(module)).toBe('cache');
  });

  it('is tenant-wide by default once a resolver is there', async () => {
    const module = await start([CacheModule.forRoot({ scope: { resolve: fromRequest(() => undefined) } })]);
    await expect(module.get(CacheService).get('x')).rejects.toThrow('No tenant');
  });

  it('takes options from a factory, with imports and inject', async () => {
    const useFactory = async (source: Source): Promise<CacheModuleOptions> => source.options;
    const module = await start([CacheModule.forRootAsync({ imports: [SourceModule], inject: [Source], useFactory })]);
    expect(prefixOf(module)).toBe('from-source');
  });

  it('takes options from a class, its own or an existing one', async () => {
    const own = await start([CacheModule.forRootAsync({ imports: [SourceModule], useClass: OptionsClass })]);
    const existing = await start([CacheModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsClass })]);
    expect([prefixOf(own), prefixOf(existing)]).toEqual(['from-source', 'from-source']);
  });

  it('refuses a factory that returns nothing, and takes {} for all defaults', async () => {
    const of = (returned: unknown): Promise<TestingModule> =>
      start([CacheModule.forRootAsync({ useFactory: () => returned as CacheModuleOptions })]);
    for (const nothing of [undefined, null]) {
      await expect(of(nothing)).rejects.toMatchObject({ option: 'forRootAsync', code: 'CACHE_CONFIG' });
    }
    expect(prefixOf(await of({}))).toBe('cache');
  });

  it('is visible everywhere, or with isGlobal: false only where it is imported', async () => {
    @Module({ providers: [Cats] })
    class Elsewhere {}
    const everywhere = await start([CacheModule.forRoot(), { module: Elsewhere }]);
    expect(await everywhere.get(Cats).find('a')).toBe('a 1');
    await expect(start([CacheModule.forRoot({ isGlobal: false }), { module: Elsewhere }])).rejects.toThrow(
      /can't resolve dependencies of the Cats/,
    );
    const local = await start([CacheModule.forRoot({ isGlobal: false })], [Cats]);
    const async = await start([CacheModule.forRootAsync({ isGlobal: false, useFactory: () => ({}) })], [Cats]);
    expect([await local.get(Cats).find('a'), await async.get(Cats).find('a')]).toEqual(['a 1', 'a 1']);
  });

  it("is missed in Nest's own words, which name what is missing", async () => {
    const failure = await start([], [Cats]).catch((error: Error) => error);
    expect((failure as Error).message).toMatch(/can't resolve dependencies of the Cats/);
    expect((failure as Error).message).toContain('CacheService of CacheModule.forRoot()');
  });

  it('runs the methods when a test puts a stand-in in the place of the service', async () => {
    const module = await start([], [Cats, { provide: CacheService, useValue: { get: jest.fn() } }]);
    const cats = module.get(Cats);
    expect([await cats.find('a'), await cats.find('a')]).toEqual(['a 1', 'a 2']);
  });

  it('leaves nothing on the objects it serves that anybody stumbles over', async () => {
    const cats = (await start([CacheModule.forRoot()], [Cats])).get(Cats);
    expect(Object.keys(cats)).toEqual(['runs']);
    expect({ ...cats }).toEqual({ runs: 0 });
    expect(inspect(cats)).toBe('Cats { runs: 0 }');
    expect(structuredClone({ ...cats })).toEqual({ runs: 0 });
  });
});

describe('named caches', () => {
  @Injectable()
  class Holder {
    constructor(
      readonly plain: CacheService,
      @InjectCache('reports') readonly reports: CacheService,
      @InjectCache('rates') readonly rates: CacheService,
      @InjectCache() readonly unnamed: CacheService,
    ) {}
  }

  it('keep stores of their own beside the unnamed one', async () => {
    const module = await start(
      [
        CacheModule.forRoot(),
        CacheModule.forRoot({ name: 'reports', prefix: 'reports', defaults: { ttl: '5m' } }),
        CacheModule.forRootAsync({ name: 'rates', useFactory: () => ({ prefix: 'rates' }) }),
      ],
      [Holder],
    );
    const { plain, reports, rates, unnamed } = module.get(Holder);
    expect(unnamed).toBe(plain);
    expect(new Set([plain, reports, rates]).size).toBe(3);
    for (const [name, cache] of Object.entries({ plain, reports, rates })) await cache.set('k', name);
    expect([await plain.get('k'), await reports.get('k'), await rates.get('k')]).toEqual(['plain', 'reports', 'rates']);
    await rates.clearEverything({ confirm: 'all tenants' });
    expect([await plain.get('k'), await reports.get('k'), await rates.get('k')]).toEqual([
      'plain',
      'reports',
      undefined,
    ]);
    expect(module.get(getCacheToken('reports'))).toBe(reports);
  });

  it('show themselves under their name only, so that nobody takes one for the unnamed cache', async () => {
    const named = [
      CacheModule.forRoot({ name: 'reports' }),
      CacheModule.forRootAsync({ name: 'rates', useFactory: () => ({}) }),
    ];
    await expect(start(named, [Cats])).rejects.toThrow(/can't resolve dependencies of the Cats/);
    await expect(start(named)).resolves.toBeDefined();
  });

  it('need a name that is a text', () => {
    expect(() => CacheModule.forRoot({ name: '' })).toThrow(CacheConfigError);
    expect(() => CacheModule.forRoot({ name: 7 as never })).toThrow(CacheConfigError);
  });

  it('carry the scope of a call together', async () => {
    const caches = [undefined, 'reports', 'rates'].map((name) => CacheModule.forRoot({ name }));
    const { plain, reports } = (await start(caches, [Holder])).get(Holder);
    await plain.runInScope({ tenant: 'acme', user: 'ann' }, async () => {
      await expect(reports.user('ann').get('k')).resolves.toBeUndefined();
      await expect(plain.user('ann').get('k')).resolves.toBeUndefined();
    });
    await expect(reports.user('ann').get('k')).rejects.toThrow('No tenant');
  });

  it("are missed in Nest's own words, which name what is missing", async () => {
    @Injectable()
    class Wants {
      constructor(@InjectCache('nope') readonly cache: CacheService) {}
    }
    await expect(start([CacheModule.forRoot()], [Wants])).rejects.toThrow(
      "CacheService of CacheModule.forRoot({ name: 'nope' })",
    );
  });
});

describe('parts of the module', () => {
  const fakeClock = (): Clock => {
    const now = { ms: 1_000 };
    return {
      nowMs: () => now.ms,
      monotonicMs: () => (now.ms += 1),
      sleep: async () => undefined,
      after: () => () => undefined,
      breathe: async () => undefined,
    };
  };

  /** Each token, something to put in its place, and how to see that it took effect. */
  const replacements: Record<
    string,
    { token: symbol; make: () => unknown; works: (module: TestingModule, made: never) => Promise<void> }
  > = {
    backend: {
      token: CACHE_BACKEND,
      make: () => ({ kind: 'mine', info: () => ({ kind: 'mine', entries: 7, usedBytes: 0 }), close: () => undefined }),
      works: async (module) => expect((await module.get(CacheService).info()).entries).toBe(7),
    },
    clock: {
      token: CACHE_CLOCK,
      make: fakeClock,
      works: async (module) => expect(await module.get(CacheService).ping()).toBe(1),
    },
    context: {
      token: CACHE_CONTEXT,
      make: () => new CacheContext(),
      works: async (module, made: CacheContext) =>
        module.get(CacheService).runInScope({ tenant: 'acme' }, () => expect(made.scope().tenant).toBe('acme')),
    },
    engine: {
      token: CACHE_ENGINE,
      make: () => ({
        open: async () => undefined,
        info: async () => ({ kind: 'engine', entries: 1, usedBytes: 0 }),
        close: async () => undefined,
      }),
      works: async (module) => expect((await module.get(CacheService).info()).kind).toBe('engine'),
    },
    resolver: {
      token: CACHE_SCOPE_RESOLVER,
      make: () => () => ({ tenant: 'acme' }),
      works: async (module, made) => expect(Reflect.get(module.get(CacheScopeInterceptor), 'resolver')).toBe(made),
    },
  };

  it.each(Object.keys(replacements))('can be overridden in a test: %s', async (name) => {
    const { token, make, works } = replacements[name]!;
    const made = make();
    const module = await start([CacheModule.forRoot()], [], (it_) => it_.overrideProvider(token).useValue(made));
    await works(module, made as never);
  });

  it.each(Object.keys(replacements))('can be replaced by a provider of one’s own: %s', async (name) => {
    const { token, make, works } = replacements[name]!;
    const made = make();
    const providers = [{ provide: token, useValue: made }];
    await works(await start([CacheModule.forRoot({ providers })]), made as never);
    await works(await start([CacheModule.forRootAsync({ useFactory: () => ({}), providers })]), made as never);
  });

  it('settings and foundation can be overridden too', async () => {
    const other = await start([CacheModule.forRoot({ prefix: 'other' })]);
    const settings: unknown = other.get(CACHE_SETTINGS);
    const overridden = await start([CacheModule.forRoot()], [], (it_) =>
      it_.overrideProvider(CACHE_SETTINGS).useValue(settings),
    );
    expect(overridden.get<{ coreSettings: { prefix: string } }>(CACHE_FOUNDATION).coreSettings.prefix).toBe('other');
    const foundation: unknown = other.get(CACHE_FOUNDATION);
    const founded = await start([CacheModule.forRoot()], [], (it_) =>
      it_.overrideProvider(CACHE_FOUNDATION).useValue(foundation),
    );
    await expect(founded.get(CacheService).get('x')).resolves.toBeUndefined();
  });

  it('are closed with the application, and only then', async () => {
    const { factory, calls } = spied();
    const closing: (string | undefined)[] = [];
    @Injectable()
    class Late {
      constructor(private readonly cache: CacheService) {}
      async beforeApplicationShutdown(): Promise<void> {
        closing.push(await this.cache.get('still'));
      }
    }
    const module = await start([CacheModule.forRoot({ backend: factory })], [Late]);
    await module.get(CacheService).set('still', 'here');
    open.splice(0);
    await module.close();
    expect(closing).toEqual(['here']);
    expect(calls.filter((name) => name === 'close')).toHaveLength(1);
  });

  it('two applications in one process share nothing', async () => {
    const [one, two] = [await start([CacheModule.forRoot()], [Cats]), await start([CacheModule.forRoot()], [Cats])];
    expect([await one.get(Cats).find('a'), await one.get(Cats).find('a')]).toEqual(['a 1', 'a 1']);
    expect(two.get(Cats).runs).toBe(0);
    expect(await two.get(CacheService).namespace('Cats.find').global().get('a')).toBeUndefined();
    await two.get(Cats).forget('a');
    expect(await one.get(Cats).find('a')).toBe('a 1');
    one
      .get(CacheService)
      .runInScope({ tenant: 'acme' }, () =>
        expect(two.get<CacheContext>(CACHE_CONTEXT).scope().tenant).toBeUndefined(),
      );
  });
});

describe('a cache that is switched off', () => {
  it('runs every loader, stores nothing and asks no backend', async () => {
    const { factory, calls } = spied();
    const module = await start([CacheModule.forRoot({ backend: factory, enabled: false })], [Cats]);
    const cats = module.get(Cats);
    const cache = module.get(CacheService);
    expect([await cats.find('a'), await cats.find('a'), await cats.put('a')]).toEqual(['a 1', 'a 2', 'a 3']);
    await cats.forget('a');
    await cache.set('k', 1);
    await cache.setMany([['k', 1]]);
    expect(await cache.getOrSet('k', () => 2)).toBe(2);
    expect([await cache.get('k'), await cache.has('k'), await cache.delete('k'), await cache.clear()]).toEqual([
      undefined,
      false,
      false,
      0,
    ]);
    await cache.invalidateTags(['cats']);
    await cache.warm([{ key: 'k', value: 1 }]);
    expect((await cache.stats()).size).toBe(0);
    expect((await cache.totals()).bypasses).toBeGreaterThan(0);
    await module.close();
    expect(calls).toEqual([]);
  });

  it('is a kill switch: a missing scope fails no call', async () => {
    const scope = { resolve: fromRequest(() => undefined) };
    const module = await start([CacheModule.forRoot({ enabled: false, scope })]);
    expect(await module.get(CacheService).getOrSet('k', () => 1)).toBe(1);
  });
});

describe('options', () => {
  const refusals: readonly (readonly [string, unknown, string])[] = [
    ['an unknown one', { tll: '5m' }, 'tll'],
    ['an unknown scope option', { scope: { resolver: 1 } }, 'scope.resolver'],
    ['an unknown key option', { keys: { secret: 'x' } }, 'keys.secret'],
    ['an unknown codec option', { codec: { classes: [] } }, 'codec.classes'],
    ['an unknown limit', { limits: { maxValue: 1 } }, 'limits.maxValue'],
    ['an unknown default', { defaults: { tll: '5m' } }, 'defaults.tll'],
    ['an unknown option of a namespace', { namespaces: { cats: { tag: [] } } }, 'namespaces.cats.tag'],
    ['a namespace that is no name', { namespaces: { 'a@1': {} } }, 'namespace'],
    ['a backend that is none', { backend: {} }, 'backend'],
    ['a backend that is null', { backend: null }, 'backend'],
    ['a prefix with a colon', { prefix: 'a:b' }, 'prefix'],
    ['an empty prefix', { prefix: '' }, 'prefix'],
    ['enabled as a text', { enabled: 'false' }, 'enabled'],
    ['debug as a number', { debug: 1 }, 'debug'],
    ['a width that does not exist', { scope: { default: 'org' } }, 'scope.default'],
    ['a wider fallback', { scope: { onMissing: 'global' } }, 'scope.onMissing'],
    ['a resolver that is no function', { scope: { resolve: 'x' } }, 'scope.resolve'],
    ['observers that are no list', { observers: () => undefined }, 'observers'],
    ['observers that are no functions', { observers: [{}] }, 'observers'],
    ['types that are no list', { codec: { types: Cats } }, 'codec.types'],
    ['a ttl of nothing', { defaults: { ttl: 0 } }, 'defaults.ttl'],
    ['a ttl in words', { namespaces: { cats: { ttl: '5 minutes' } } }, 'namespaces.cats.ttl'],
    ['options that are no object', 'redis', 'options'],
    ['scope that is no object', { scope: 'tenant' }, 'scope'],
  ];

  it.each(refusals)('are refused by name: %s', async (_, options, name) => {
    const failure = (await start([CacheModule.forRootAsync({ useFactory: () => options as CacheModuleOptions })]).catch(
      (error: unknown) => error,
    )) as CacheConfigError;
    expect(failure).toBeInstanceOf(CacheConfigError);
    expect(failure.option).toBe(name);
    expect(failure.code).toBe('CACHE_CONFIG');
  });

  it('of forRootAsync are refused by name too', () => {
    expect(() => CacheModule.forRootAsync({ useFactroy: () => ({}) } as never)).toThrow(/forRootAsync\.useFactroy/);
    expect(() => CacheModule.forRootAsync({} as never)).toThrow(/useFactory, useClass or useExisting/);
    expect(() => CacheModule.forRoot('redis' as never)).toThrow(CacheConfigError);
  });

  it('that look like seconds are told about once, at the start', async () => {
    const { kept } = await start([CacheModule.forRoot({ defaults: { ttl: 300 }, namespaces: { cats: { ttl: 60 } } })]);
    expect(afterStart(kept).map((line) => line.split(' is ')[0])).toEqual([
      'warn defaults.ttl',
      'warn namespaces.cats.ttl',
    ]);
  });

  it('are never read from a polluted Object.prototype (C35)', async () => {
    const pollution: Record<string, unknown> = {
      // Long enough for lru-cache, which reads its options from anywhere.
      ttl: 2_000,
      key: 'one for all',
      keys: { hashSecret: 'x'.repeat(16) },
      tags: 'no list',
      enabled: false,
      debug: true,
      condition: () => false,
      unless: () => true,
      context: () => ({ tenant: 'mallory', user: 'mallory' }),
      version: 'evil',
      default: 'evil',
      resolve: () => ({ tenant: 'mallory' }),
      onMissing: 'bypass',
      hashSecret: 'y'.repeat(16),
      ignoreArgs: [0],
      allEntries: true,
      before: true,
      failSilently: false,
      defaults: { ttl: 1 },
      limits: { maxValueBytes: 1 },
      maxValueBytes: 1,
      prefix: 'evil',
      verbose: true,
      match: 'all',
      concurrency: -1,
    };
    for (const [name, value] of Object.entries(pollution))
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true, enumerable: true });
    try {
      @Injectable()
      class Dogs {
        runs = 0;
        @Cacheable({ scope: 'tenant' })
        async find(id: string): Promise<string> {
          return `${id} ${++this.runs}`;
        }
        @CacheEvict({ method: 'find' })
        async forget(_id: string): Promise<void> {}
      }
      const module = await start([CacheModule.forRoot({ scope: { default: 'tenant' } })], [Dogs]);
      const cache = module.get(CacheService);
      const dogs = module.get(Dogs);
      await cache.runInScope({ tenant: 'acme', user: 'ann' }, async () => {
        expect([await dogs.find('a'), await dogs.find('b'), await dogs.find('a')]).toEqual(['a 1', 'b 2', 'a 1']);
        await dogs.forget('a');
        expect([await dogs.find('a'), await dogs.find('b')]).toEqual(['a 3', 'b 2']);
        await cache.set('k', 'v', {});
        expect(await cache.get('k', {})).toBe('v');
        expect(await cache.get('none', {})).toBeUndefined();
        expect(await cache.ttl('k')).toBeGreaterThan(3_000_000);
        await cache.increment('n', 1, {});
        expect(await cache.ttl('n')).toBeGreaterThan(3_000_000);
        await cache.invalidateTags(['none'], {});
        expect(await cache.warm([{ key: 'w', value: 1 }], {})).toBe(1);
        expect(await cache.has('w')).toBe(true);
      });
      await expect(dogs.find('a')).rejects.toThrow('No tenant');
      expect(afterStart(module.kept)).toEqual([]);
    } finally {
      for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name);
    }
  });
});

describe('what is told', () => {
  const CANARY = 'canary-7f3a';
  const before = process.env['CACHE_DEBUG'];
  beforeEach(() => {
    delete process.env['CACHE_DEBUG'];
  });
  afterEach(() => {
    if (before === undefined) delete process.env['CACHE_DEBUG'];
    else process.env['CACHE_DEBUG'] = before;
  });

  @Injectable()
  class Secrets {
    constructor(@Inject(CACHE_CONTEXT) readonly context: CacheContext) {}

    @Cacheable({ scope: 'user', tags: (id: string) => [`tag-${id}`] })
    async find(id: string): Promise<object> {
      return { secret: `value-${id}` };
    }

    @Cacheable({ scope: 'user' })
    async broken(id: string, filter: object): Promise<object> {
      return { id, filter };
    }

    @Cacheable({ scope: 'user', ttl: () => `${CANARY}` as never })
    async oddTtl(id: string): Promise<string> {
      return id;
    }

    @Cacheable({ scope: 'user' })
    async unstorable(id: string): Promise<object> {
      return { [`${id}`]: () => id };
    }

    @Cacheable({ scope: 'user' })
    async unserved(id: string): Promise<unknown> {
      return new (class Secret {
        readonly id = id;
      })();
    }

    @CacheEvict({ method: 'find' })
    async forget(_id: string): Promise<void> {}
  }

  async function exercise(module: TestingModule): Promise<unknown[]> {
    const cache = module.get(CacheService);
    const secrets = module.get(Secrets);
    const errors: unknown[] = [];
    const attempt = (work: () => Promise<unknown>): Promise<unknown> =>
      work().catch((error: unknown) => errors.push(error));
    await cache.runInScope({ tenant: `t-${CANARY}`, user: `u-${CANARY}` }, async () => {
      await secrets.find(CANARY);
      await secrets.find(CANARY);
      await secrets.forget(CANARY);
      await secrets.oddTtl(CANARY);
      await secrets.unstorable(CANARY);
      await secrets.unserved(CANARY);
      await attempt(() => secrets.broken(CANARY, { [CANARY]: Symbol(CANARY) }));
      await attempt(() => secrets.broken(CANARY, new (class Filter {})()));
      await attempt(() => cache.set([CANARY], () => CANARY));
      await attempt(() => cache.set(CANARY, { deep: { [CANARY]: Symbol(CANARY) } }));
      await attempt(() => cache.invalidateTags([`${CANARY}\ud800`]));
      await attempt(() => cache.invalidate(`[${CANARY}`));
      await attempt(() => cache.namespace('n').set(CANARY, CANARY, { ttl: CANARY as never }));
      await attempt(() => cache.increment(CANARY, CANARY as never));
      await cache.set(CANARY, CANARY);
      await attempt(() => cache.increment(CANARY));
      await attempt(() => cache.getOrSet(CANARY, () => cache.getOrSet(CANARY, () => 1)));
    });
    await attempt(() => cache.runInScope({ tenant: ` ` }, () => secrets.find(CANARY)));
    await attempt(async () => cache.tenant(`${CANARY}\ud800`));
    await attempt(async () => cache.tenant([CANARY] as never));
    expect(errors.length).toBeGreaterThan(10);
    return errors;
  }

  it.each(['option', 'environment'])(
    'has no value, key, tag, tenant or user in it, debugging by %s (C26)',
    async (how) => {
      const events: CacheEvent[] = [];
      if (how === 'environment') process.env['CACHE_DEBUG'] = '1';
      const module = await start(
        [
          CacheModule.forRoot({
            debug: how === 'option',
            observers: [(event) => events.push(event)],
            scope: { resolve: fromRequest(() => undefined) },
          }),
        ],
        [Secrets],
      );
      const errors = await exercise(module);
      const lines = module.kept.of('Cache');
      expect(lines.filter((line) => line.startsWith('debug')).length).toBeGreaterThan(10);
      expect(lines.some((line) => /debug hit Secrets\.find \(user, key [0-9a-f]{8}\)/.test(line))).toBe(true);
      expect(module.kept.lines.filter((line) => line.includes(CANARY))).toEqual([]);
      expect(inspect(events, { depth: 9 })).not.toContain(CANARY);
      for (const error of errors) expect(inspect(error, { depth: 9 })).not.toContain(CANARY);
      expect(inspect(await module.get(CacheService).totals(), { depth: 9 })).not.toContain(CANARY);
    },
  );

  it('is nothing without debug, and one namespace with verbose', async () => {
    @Injectable()
    class Talkative {
      @Cacheable({ scope: 'global', verbose: true })
      async loud(id: string): Promise<string> {
        return id;
      }
      @Cacheable({ scope: 'global' })
      async quiet(id: string): Promise<string> {
        return id;
      }
      @CacheEvict({ scope: 'global', tags: ['x'], verbose: true })
      async evict(): Promise<void> {}
    }
    const module = await start([CacheModule.forRoot()], [Talkative]);
    const talkative = module.get(Talkative);
    await talkative.quiet('a');
    await talkative.loud('a');
    await talkative.loud('a');
    await talkative.evict();
    const lines = afterStart(module.kept);
    expect(lines.filter((line) => line.includes('quiet'))).toEqual([]);
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['miss', 'load', 'fill', 'hit', 'invalidate']);
    expect(lines.at(-1)).toContain('Talkative.evict');
  });
});
