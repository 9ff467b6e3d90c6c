/** Forty ways to set it up wrongly, each answered as early as possible, by a message that says what to write. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module, type Provider } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cacheable,
  CacheConfig,
  CacheEvict,
  CacheModule,
  type CacheModuleOptions,
  CachePut,
  CacheScope,
  CacheService,
  firstOf,
  fromClaims,
  fromHeader,
  fromRequest,
  fromSubdomain,
  memory,
  tiered,
} from '../../../lib/index.js';
import { mongo } from '../../../lib/mongo.js';
import { optionsFromEnvironment } from '../../../lib/nest/env/cache.config.js';
import { redis } from '../../../lib/redis.js';
import { KeptLog } from '../../e2e/support/quiet.js';

const open: TestingModule[] = [];
afterEach(async () => {
  for (const module of open.splice(0)) await module.close().catch(() => undefined);
});

const SECRET = 'hunter2';

interface Said {
  readonly when: 'class' | 'options' | 'start' | 'call' | 'warning';
  readonly text: string;
}

/** What is said of a set-up, and when; the application is started, and one call is made. */
async function answer(
  options: () => CacheModuleOptions | Promise<CacheModuleOptions>,
  make: () => Provider[] = () => [],
  call: (module: TestingModule) => unknown = () => undefined,
): Promise<Said> {
  const log = new KeptLog();
  let when: Said['when'] = 'options';
  try {
    const imports = [CacheModule.forRoot(await options())];
    when = 'class';
    const providers = make();
    when = 'start';
    const module = await Test.createTestingModule({ imports, providers }).setLogger(log).compile();
    open.push(module);
    await module.init();
    when = 'call';
    await call(module);
  } catch (error) {
    return { when, text: textOf(error) };
  }
  const warned = log.of('Cache').filter((line) => line.startsWith('warn'));
  return { when: 'warning', text: warned.join('\n') };
}

function textOf(error: unknown): string {
  const { message, hint = '' } = error as { readonly message: string; readonly hint?: string };
  return `${message} ${hint}`;
}

/** A class with one method under decorators, as JavaScript may apply them. */
function classOf(...decorators: ((target: never, name: never, descriptor: never) => unknown)[]): Provider {
  class Cats {
    async find(id: string): Promise<string> {
      return id;
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Cats.prototype, 'find') as PropertyDescriptor;
  for (const each of decorators.toReversed()) each(Cats.prototype as never, 'find' as never, descriptor as never);
  Object.defineProperty(Cats.prototype, 'find', descriptor);
  return { provide: 'cats', useFactory: () => new Cats() };
}
const find = (module: TestingModule): unknown => module.get<{ find(id: unknown): unknown }>('cats').find('a');
const cacheOf = (module: TestingModule): CacheService => module.get(CacheService);
const none = (): CacheModuleOptions => ({});
const as =
  (options: unknown): (() => CacheModuleOptions) =>
  () =>
    options as CacheModuleOptions;
const decorated =
  (...options: unknown[]): (() => Provider[]) =>
  () => [classOf(...options.map((each) => Cacheable(each as never)))];

type Row = readonly [what: string, when: Said['when'], says: RegExp, ...set: Parameters<typeof answer>];

const ROWS: readonly Row[] = [
  ['an option that is none', 'options', /ttll: is not an option; there are: backend, prefix/, as({ ttll: 1 })],
  ['a ttl beside defaults', 'options', /ttl: is not an option/, as({ ttl: '5m' })],
  [
    'scope: a resolver',
    'start',
    /scope: .* write scope: \{ resolve: fromClaims/,
    () => ({ scope: fromClaims({ tenant: 'org' }) as never }),
  ],
  ['scope: a width', 'start', /scope: .* write scope: \{ default: 'tenant' \}/, as({ scope: 'tenant' })],
  [
    'scope.resolve: the name of a claim',
    'start',
    /scope.resolve: must be a resolver: .*fromClaims/,
    as({ scope: { resolve: 'org' } }),
  ],
  [
    'scope.default: no width',
    'start',
    /scope.default: must be 'global', 'tenant' or 'user'/,
    as({ scope: { default: 'org' } }),
  ],
  [
    'scope.onMissing: a wider scope',
    'start',
    /scope.onMissing: must be 'throw' or 'bypass'/,
    as({ scope: { onMissing: 'global' } }),
  ],
  ['a backend by its name', 'start', /backend: must be a factory .* redis\(\)/, as({ backend: 'redis' })],
  [
    'a function of a backend that was not called',
    'start',
    /backend: must be a factory .* what memory\(\)/,
    as({ backend: memory }),
  ],
  ['a prefix with a colon', 'start', /prefix: must be 1 to 32 of/, as({ prefix: 'a:b' })],
  ['a misspelt unit', 'start', /defaults.ttl: is not a duration: .*'5m'/, as({ defaults: { ttl: '5 minutes' } })],
  ['a ttl of zero', 'start', /defaults.ttl: must be between 1 ms and ten years/, as({ defaults: { ttl: 0 } })],
  [
    'seconds in defaults',
    'warning',
    /defaults.ttl is 300 milliseconds; .* write '300s'/,
    as({ defaults: { ttl: 300 } }),
  ],
  [
    'an hour in seconds',
    'warning',
    /defaults.ttl is 3600 milliseconds; .* write '3600s'/,
    as({ defaults: { ttl: 3_600 } }),
  ],
  [
    'seconds at a class',
    'warning',
    /@CacheConfig of Dogs.ttl is 60 milliseconds; .* write '60s'/,
    none,
    () => [dogs({ ttl: 60 })],
  ],
  ['seconds at a method', 'warning', /Cats.find.ttl is 1800 milliseconds; .* write '1800s'/, none, decorated(1_800)],
  ['seconds from a function', 'warning', /Cats.find.ttl answers .* '60s'/, none, decorated({ ttl: () => 60 }), find],
  [
    'seconds in a call',
    'warning',
    /ttl of a call in namespace "default" is 86400 .* write '86400s'/,
    none,
    undefined,
    (m) => twice(() => cacheOf(m).set('k', 'v', { ttl: 86_400 })),
  ],
  [
    'seconds to expire()',
    'warning',
    /ttl of a call in namespace "default" is 7200 .* write '7200s'/,
    none,
    undefined,
    (m) => cacheOf(m).expire('k', 7_200),
  ],
  [
    'a ttl in the place of options',
    'call',
    /options: must be an object of options; a ttl is written \{ ttl: '5s' \}/,
    none,
    undefined,
    (m) => cacheOf(m).set('k', SECRET, 5_000 as never),
  ],
  [
    'undefined as a value',
    'call',
    /value: is undefined, .* use delete\(key\)/,
    none,
    undefined,
    (m) => cacheOf(m).set('k', undefined),
  ],
  [
    'a text for a list of keys',
    'call',
    /keys: must be a list, such as \['a', 'b'\]/,
    none,
    undefined,
    (m) => cacheOf(m).getMany(SECRET as never),
  ],
  [
    'a misspelt namespace',
    'warning',
    /namespaces.catz is used by no decorated method: write 'cats'/,
    as({ namespaces: { catz: { ttl: '5m' } } }),
    decorated({ namespace: 'cats' }),
  ],
  [
    'an option of a decorator that is none',
    'class',
    /@Cacheable Cats.find.tag: is not an option; there are: .*tags/,
    none,
    decorated({ tag: 'x' }),
  ],
  [
    'key beside ignoreArgs',
    'class',
    /ignoreArgs: has no meaning beside `key`/,
    none,
    decorated({ key: 'k', ignoreArgs: [0] }),
  ],
  ['an async condition', 'class', /condition: must not be async/, none, decorated({ condition: async () => true })],
  [
    'two @Cacheable on one method',
    'start',
    /Cats.find: two decorators .* leave one of them out/,
    none,
    decorated({ namespace: 'a' }, { namespace: 'a' }),
  ],
  [
    '@CacheEvict that says nothing',
    'class',
    /must say what goes: key, keys, pattern, tags, allEntries or method/,
    none,
    () => [classOf(CacheEvict({}))],
  ],
  [
    '@CacheEvict of a method that is not cached',
    'start',
    /method: "fnd" is not a @Cacheable method/,
    none,
    () => [classOf(CacheEvict({ method: 'fnd' } as never))],
  ],
  [
    'a standard decorator',
    'class',
    /@Cacheable: is used as a standard decorator, .*experimentalDecorators/,
    none,
    () => [standard(Cacheable())],
  ],
  [
    'a standard @CacheScope',
    'class',
    /@CacheScope: is used as a standard decorator, .*experimentalDecorators/,
    none,
    () => [standard(CacheScope('user'))],
  ],
  ['a static method', 'class', /cannot be used on the static method find/, none, () => [ofStatic()]],
  ['a frozen object', 'start', /Frozen: is frozen or sealed, .* freeze what it holds/, none, () => [frozen()]],
  ['a class without a name', 'start', /@CacheConfig\(\{ namespace \}\)/, none, () => [nameless()]],
  [
    'fromClaims without a claim',
    'options',
    /fromClaims needs the name of at least one claim: \{ tenant: 'org'/,
    () => ({ scope: { resolve: fromClaims({}) } }),
  ],
  [
    'fromHeader that trusts nobody',
    'options',
    /must say \{ trusted: true \}/,
    () => ({ scope: { resolve: fromHeader('x-tenant', {} as never) } }),
  ],
  [
    'fromSubdomain without a domain',
    'options',
    /\{ base: 'example.com' \}/,
    () => ({ scope: { resolve: fromSubdomain({} as never) } }),
  ],
  ['firstOf of nothing', 'options', /firstOf needs at least one resolver/, () => ({ scope: { resolve: firstOf() } })],
  [
    'fromRequest without a function',
    'options',
    /fromRequest needs a function of the request/,
    () => ({ scope: { resolve: fromRequest({} as never) } }),
  ],
  [
    'no tenant in a job',
    'call',
    /No request surrounds this call.* cache.runInScope/,
    () => ({ scope: { resolve: fromClaims({ tenant: 'org' }) } }),
    undefined,
    (m) => cacheOf(m).get('k'),
  ],
  [
    'a tenant that is a number',
    'call',
    /must be a string.* ids: 'number'/,
    none,
    undefined,
    (m) => cacheOf(m).runInScope({ tenant: 7 as never }, () => 1),
  ],
  [
    'a URL of another server',
    'options',
    /redis.url: must begin with redis:\/\//,
    () => ({ backend: redis({ url: `http://:${SECRET}@h` }) }),
  ],
  [
    'MongoDB without an address',
    'options',
    /mongo: needs either `uri` or `connection`/,
    () => ({ backend: mongo({}) }),
  ],
  [
    'two levels without one that is shared',
    'options',
    /tiered/,
    () => ({ backend: tiered({ l1: memory(), l2: memory() }) }),
  ],
  [
    'CACHE_URL without CACHE_BACKEND',
    'options',
    /CACHE_BACKEND: is missing, .* set CACHE_BACKEND=redis/,
    () => optionsFromEnvironment({ CACHE_URL: `redis://:${SECRET}@h` }, { redis }),
  ],
  [
    'CACHE_DEFAULT_TTL without a unit',
    'options',
    /CACHE_DEFAULT_TTL: needs a unit: '250ms', '90s'/,
    () => optionsFromEnvironment({ CACHE_DEFAULT_TTL: '300' }),
  ],
];

async function twice(work: () => Promise<unknown>): Promise<void> {
  await work();
  await work();
}

function dogs(options: object): Provider {
  @CacheConfig(options as never)
  class Dogs {
    @Cacheable()
    async find(id: string): Promise<string> {
      return id;
    }
    @CachePut({ key: 'k' })
    async put(id: string): Promise<string> {
      return id;
    }
  }
  return Dogs;
}

/** As a compiler without `experimentalDecorators` calls it. */
function standard(decorator: unknown): Provider {
  class Cats {}
  (decorator as (method: unknown, context: object) => void)(() => 1, { kind: 'method', name: 'find' });
  return Cats;
}

function ofStatic(): Provider {
  class Cats {}
  (Cacheable() as (target: unknown, name: string, descriptor: object) => void)(Cats, 'find', { value: () => 1 });
  return Cats;
}

function frozen(): Provider {
  class Frozen {
    constructor() {
      Object.freeze(this);
    }
    @Cacheable()
    async find(id: string): Promise<string> {
      return id;
    }
  }
  return Frozen;
}

function nameless(): Provider {
  class Cats {
    @Cacheable()
    async find(id: string): Promise<string> {
      return id;
    }
  }
  return Object.defineProperty(Cats, 'name', { value: '' });
}

describe('a set-up that is wrong', () => {
  it('is one of at least forty', () => {
    expect(ROWS.length).toBeGreaterThanOrEqual(40);
  });

  it.each(ROWS)('%s', async (_, when, says, ...set) => {
    const said = await answer(...set);
    expect(said).toEqual({ when, text: expect.stringMatching(says) });
    expect(said.text).not.toContain(SECRET);
    // Once for each place, however often it is passed.
    if (when === 'warning') expect(said.text.split('\n')).toHaveLength(1);
  });

  it('a module without its cache', async () => {
    @Module({ providers: [classOf(Cacheable())] })
    class Cats {}
    await expect(
      Test.createTestingModule({ imports: [Cats, CacheModule] })
        .setLogger(new KeptLog())
        .compile(),
    ).rejects.toThrow('CacheModule is imported without forRoot()');
  });
});
