/** Several registrations of the module in one container: which of them may stand beside each other, and what they share. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cacheable,
  CacheConfigError,
  CacheModule,
  CacheService,
  fromClaims,
  fromHeader,
  getCacheToken,
  InjectCache,
  type CacheModuleOptions,
  type CacheSettings,
} from '../../../lib/index.js';
import { CacheTestingModule } from '../../../lib/testing.js';
import { KeptLog } from '../../e2e/support/quiet.js';

type Imports = (Type | DynamicModule | Promise<DynamicModule>)[];

const open: TestingModule[] = [];
afterEach(async () => {
  for (const module of open.splice(0)) await module.close();
});

/** A module of a name that messages can say. */
function moduleOf(name: string, imports: Imports, providers: Type[] = []): Type {
  const made = { [name]: class {} }[name] as Type;
  Module({ imports, providers, exports: providers })(made);
  return made;
}

async function start(...imports: Imports): Promise<TestingModule> {
  const module = await Test.createTestingModule({ imports }).setLogger(new KeptLog()).compile();
  open.push(module);
  return module.init();
}

type Said = CacheModuleOptions & { readonly name?: string; readonly isGlobal?: boolean };
const later = (options: Said = {}): DynamicModule => {
  const { name, isGlobal, ...rest } = options;
  return CacheModule.forRootAsync({ name, isGlobal, useFactory: async () => rest });
};
/** Of any cache: one with a name shows nothing but itself. */
const settingsOf = (module: TestingModule, name?: string): CacheSettings =>
  module.get<{ parts: { settings: CacheSettings } }>(getCacheToken(name)).parts.settings;
const resolve = fromClaims({ tenant: 'tid' });
const scope = { resolve };

/** What it says when the start is refused. */
async function refusal(starting: Promise<unknown>): Promise<string> {
  const error = await starting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CacheConfigError);
  return (error as Error).message;
}

@Injectable()
class Cats {
  runs = 0;

  @Cacheable()
  async find(id: string): Promise<string> {
    return `${id} ${++this.runs}`;
  }
}

describe('a second cache without a name', () => {
  const registrations: Record<string, () => DynamicModule> = {
    'forRoot()': () => CacheModule.forRoot(),
    'forRoot() that is not global': () => CacheModule.forRoot({ isGlobal: false }),
    'forRootAsync()': () => later(),
    'forRootAsync() that is not global': () => later({ isGlobal: false }),
    'forTest()': () => CacheTestingModule.forTest(),
  };

  it.each(Object.keys(registrations))(
    'stops the start in whichever order, and says where it stands and what to write: %s',
    async (name) => {
      for (const own of [CacheModule.forRoot({ scope }), later({ scope }), CacheModule.forRoot({ isGlobal: false })]) {
        const feature = moduleOf('FeatureModule', [registrations[name]!()], [Cats]);
        const root = moduleOf('AppModule', [own]);
        for (const imports of [
          [root, feature],
          [feature, root],
        ]) {
          const said = await refusal(start(...imports));
          expect(said).toMatch(/AppModule, FeatureModule|FeatureModule, AppModule/);
          expect(said).toContain("forRoot({ name: 'reports' })");
          expect(said).toContain("@InjectCache('reports')");
        }
      }
    },
  );

  it('is refused in one and the same module too, and behind a promise', async () => {
    await expect(start(CacheModule.forRoot(), CacheModule.forRoot())).rejects.toThrow(
      /more than once .* RootTestModule/,
    );
    await expect(start(CacheModule.forRoot(), Promise.resolve(later()))).rejects.toThrow('more than once');
  });

  it('is refused when its module is loaded later', async () => {
    const module = await start(CacheModule.forRoot({ scope }));
    const loading = module.get(LazyModuleLoader).load(() => moduleOf('LazyModule', [CacheModule.forRoot()]));
    expect(await refusal(loading)).toContain('LazyModule');
  });

  it('is refused with a name too, when the name is another’s', async () => {
    const reports = (): DynamicModule => CacheModule.forRoot({ name: 'reports' });
    const feature = moduleOf('FeatureModule', [reports()]);
    expect(await refusal(start(reports(), feature))).toMatch(/name: 'reports'.* FeatureModule/);
  });

  it('is none when one dynamic module is imported in several places: that is one cache', async () => {
    const cache = CacheModule.forRoot({ isGlobal: false });
    const one = moduleOf('OneModule', [cache], [Cats]);
    const other = moduleOf('OtherModule', [cache, one]);
    const module = await start(one, other, cache);
    expect([await module.get(Cats).find('a'), await module.get(Cats).find('a')]).toEqual(['a 1', 'a 1']);
  });

  it('is none in another application of the process, by the same dynamic module too', async () => {
    const cache = CacheModule.forRoot();
    const [one, other] = [
      await start(cache, moduleOf('Cats1', [], [Cats])),
      await start(cache, moduleOf('Cats2', [], [Cats])),
    ];
    expect([await one.get(Cats).find('a'), await one.get(Cats).find('a')]).toEqual(['a 1', 'a 1']);
    expect(one.get(CacheService)).not.toBe(other.get(CacheService));
    expect(await other.get(CacheService).namespace('Cats.find').get('a')).toBeUndefined();
  });

  it('is none when a test puts another module in the place of the one that has it', async () => {
    const infrastructure = moduleOf('InfrastructureModule', [CacheModule.forRoot({ scope })]);
    const instead = moduleOf('TestInfrastructureModule', [CacheTestingModule.forTest()]);
    const module = await Test.createTestingModule({ imports: [infrastructure], providers: [Cats] })
      .overrideModule(infrastructure)
      .useModule(instead)
      .compile();
    open.push(module);
    expect(await module.get(Cats).find('a')).toBe('a 1');
  });
});

describe('the class of the module, imported without forRoot()', () => {
  it('stops the start, and says who imports it and what to do', async () => {
    const feature = moduleOf('FeatureModule', [CacheModule]);
    for (const own of [CacheModule.forRoot({ scope }), CacheModule.forRoot({ isGlobal: false }), later()])
      expect(await refusal(start(own, feature))).toMatch(/without forRoot\(\) by FeatureModule: leave it out/);
    expect(await refusal(start(feature))).toContain('FeatureModule');
  });

  it('is known in a class that is made of it', async () => {
    class OwnCacheModule extends CacheModule {}
    const feature = moduleOf('FeatureModule', [OwnCacheModule]);
    expect(await refusal(start(CacheModule.forRoot(), feature))).toContain('FeatureModule');
    await expect(refusal(start(CacheModule.forRoot(), OwnCacheModule.forRoot()))).resolves.toContain('more than once');
  });
});

describe('a cache that says nothing of scopes', () => {
  const scopeOf = (module: TestingModule, name?: string): CacheSettings['scope'] => settingsOf(module, name).scope;
  const anyway = { default: 'global' } as const;

  it.each([
    ['a named one beside the one without a name', { scope }, { name: 'sessions' }, 'sessions'],
    ['the one without a name beside a named one', { name: 'main', scope }, {}, undefined],
    ['a named one beside a named one', { name: 'main', scope }, { name: 'sessions' }, 'sessions'],
    ['one that says what to do when there is none', { scope }, { name: 's', scope: { onMissing: 'bypass' } }, 's'],
  ] as const)('keeps tenants apart by the resolver of the other: %s', async (_, resolving, silent, name) => {
    const ways = [(options: Said) => CacheModule.forRoot(options), later];
    for (const one of ways)
      for (const other of ways) {
        const caches = [one(resolving), other(silent)];
        for (const imports of [caches, caches.toReversed()]) {
          const module = await start(...imports);
          expect(scopeOf(module, name)).toMatchObject({ resolve, defaultWidth: 'tenant' });
          const cache = module.get(getCacheToken(name));
          await expect(cache.set('cart', 1)).rejects.toThrow('No tenant');
          await cache.runInScope({ tenant: 'acme' }, () => cache.set('cart', 'acme'));
          expect(await cache.runInScope({ tenant: 'globex' }, () => cache.get('cart'))).toBeUndefined();
        }
      }
  });

  it('is global when that is said, and where no cache resolves scopes', async () => {
    const said = await start(CacheModule.forRoot({ scope }), CacheModule.forRoot({ name: 'rates', scope: anyway }));
    expect(scopeOf(said, 'rates')).toMatchObject({ resolve: undefined, defaultWidth: 'global' });
    const none = await start(CacheModule.forRoot(), later({ name: 'rates' }));
    for (const name of [undefined, 'rates'])
      expect(scopeOf(none, name)).toMatchObject({ resolve: undefined, defaultWidth: 'global' });
  });

  it('is asked to say it when several resolve in different ways', async () => {
    const regions = { resolve: fromHeader('x-region', { trusted: true }) };
    const both = [CacheModule.forRoot({ scope }), later({ name: 'regions', scope: regions })];
    const said = await refusal(start(...both, CacheModule.forRoot({ name: 'sessions' })));
    expect(said).toMatch(
      /"sessions" says nothing, and the cache without a name and the cache "regions" .* say scope\.resolve/,
    );
    await expect(start(...both, CacheModule.forRoot({ name: 'sessions', scope }))).resolves.toBeDefined();
    const same = [CacheModule.forRoot({ scope }), later({ name: 'regions', scope })];
    const module = await start(...same, CacheModule.forRoot({ name: 'sessions' }));
    expect(scopeOf(module, 'sessions')).toMatchObject({ resolve });
  });

  describe('and without which the options of another cannot be made', () => {
    @Injectable()
    class RemoteOptions {
      constructor(@InjectCache('options') readonly cache: CacheService) {}
    }
    /** Its options come from a service that keeps them in the other cache. */
    const main = (options: CacheModuleOptions): DynamicModule =>
      CacheModule.forRootAsync({
        imports: [moduleOf('OptionsModule', [], [RemoteOptions])],
        inject: [RemoteOptions],
        useFactory: () => options,
      });

    it('stops the start instead of waiting for ever, and says what to write', async () => {
      const said = await refusal(start(main({ scope }), CacheModule.forRoot({ name: 'options' })));
      expect(said).toMatch(/"options" says nothing, .* the cache without a name.* scope: \{ default: 'global' \}/);
    });

    it('does not wait when it is said', async () => {
      const module = await start(main({ scope }), CacheModule.forRoot({ name: 'options', scope: anyway }));
      expect(scopeOf(module)).toMatchObject({ resolve });
    });

    it('is none that another’s options have nothing to do with', async () => {
      const options = CacheModule.forRoot({ name: 'options', scope: anyway });
      const module = await start(main({ scope }), options, CacheModule.forRoot({ name: 'sessions' }));
      expect(scopeOf(module, 'sessions')).toMatchObject({ resolve, defaultWidth: 'tenant' });
    });

    it('is found behind classes that are decorated, too', async () => {
      @Injectable()
      class CachedOptions {
        @Cacheable()
        async load(): Promise<object> {
          return {};
        }
      }
      const options = CacheModule.forRootAsync({
        name: 'sessions',
        imports: [moduleOf('OptionsModule', [], [CachedOptions])],
        inject: [{ token: CachedOptions, optional: true }],
        useFactory: () => ({ scope }),
      });
      expect(await refusal(start(CacheModule.forRoot(), options))).toContain('the cache without a name says nothing');
    });
  });

  it('is not made one of tenants by a cache that is loaded later: that one is refused', async () => {
    const module = await start(CacheModule.forRoot());
    const load = (options: CacheModuleOptions & { name: string }): Promise<unknown> =>
      module.get(LazyModuleLoader).load(() => CacheModule.forRoot(options));
    expect(await refusal(load({ name: 'late', scope }))).toMatch(/"late".* scope: \{ default: 'global' \}/);
    await expect(load({ name: 'other' })).resolves.toBeDefined();
  });
});

describe('asking for the cache by its class', () => {
  it('gives the one without a name, whichever was registered last', async () => {
    const unnamed = CacheModule.forRoot({ prefix: 'mine' });
    for (const imports of [
      [unnamed, later({ name: 'rates' })],
      [later({ name: 'rates' }), unnamed],
    ])
      expect(settingsOf(await start(...imports)).prefix).toBe('mine');
    const named = await start(CacheModule.forRoot({ name: 'rates' }));
    expect(() => named.get(CacheService)).toThrow('could not find CacheService');
  });
});

describe('prefixes', () => {
  const prefixOf = async (cache: DynamicModule, name?: string): Promise<string> =>
    settingsOf(await start(cache), name).prefix;

  it('have the name of the cache in them, whatever it is', async () => {
    expect(await prefixOf(CacheModule.forRoot())).toBe('cache');
    expect(await prefixOf(CacheModule.forRoot({ name: 'partners' }), 'partners')).toBe('cache-partners');
    expect(await prefixOf(later({ name: 'partners' }), 'partners')).toBe('cache-partners');
    expect(await prefixOf(CacheModule.forRoot({ name: 'partners', prefix: 'p' }), 'partners')).toBe('p');
    const odd = ['a:b', 'a b', 'Bücher', 'x'.repeat(27), 'x'.repeat(28)];
    const made = await Promise.all(odd.map((name) => prefixOf(CacheModule.forRoot({ name }), name)));
    expect(new Set(made).size).toBe(odd.length);
    for (const prefix of made) expect(prefix).toMatch(/^cache-[\w-]{1,26}$/);
  });

  it('that two caches of an application have in common stop the start, and both are named', async () => {
    const pairs: DynamicModule[][] = [
      [CacheModule.forRoot(), CacheModule.forRoot({ name: 'partners', prefix: 'cache' })],
      [later(), later({ name: 'partners', prefix: 'cache' })],
      [CacheModule.forRoot({ prefix: 'cache-partners' }), CacheModule.forRoot({ name: 'partners' })],
      [CacheModule.forRoot({ prefix: 'p' }), later({ name: 'partners', prefix: 'p', enabled: false })],
    ];
    for (const pair of pairs)
      for (const imports of [pair, pair.toReversed()]) {
        const said = await refusal(start(...imports));
        expect(said).toContain('the cache without a name');
        expect(said).toContain('the cache "partners"');
      }
  });
});
