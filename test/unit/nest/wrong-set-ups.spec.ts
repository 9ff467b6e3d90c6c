/** Ways to set it up wrongly, at least forty, each answered as early as possible, by a message that says what to write. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { Get, Module, Req, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  Cacheable,
  CacheEvict,
  CacheModule,
  CacheScope,
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
import {
  answer,
  as,
  cacheOf,
  classOf,
  closeAll,
  decorated,
  none,
  type Said,
  SECRET,
  type SetUp,
} from './support/set-up.js';

/** Says what the compiler notes of the argument, and what a decorator at it does. */
const takes =
  (type: unknown, ofArgument?: ParameterDecorator): ((target: object, name: string) => void) =>
  (target, name) => {
    Reflect.defineMetadata('design:paramtypes', [type], target, name);
    ofArgument?.(target, name, 0);
  };
class Money {
  readonly #cents = SECRET;
  get cents(): string {
    return this.#cents;
  }
}
class Euro {
  constructor(readonly text = SECRET) {}
}

type Row = readonly [what: string, when: Said['when'], says: RegExp, ...set: SetUp];

afterEach(closeAll);

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
  [
    '@Cacheable without its call',
    'class',
    /@Cacheable: is written without its call: write @Cacheable\(\)/,
    none,
    () => [uncalled(Cacheable)],
  ],
  [
    '@CacheEvict without its call',
    'class',
    /@CacheEvict: is written without its call/,
    none,
    () => [uncalled(CacheEvict)],
  ],
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
  [
    'REDIS_HOST without CACHE_BACKEND',
    'options',
    /CACHE_BACKEND: is missing, and REDIS_HOST says .* set CACHE_BACKEND=redis/,
    () => optionsFromEnvironment({ REDIS_HOST: 'h', REDIS_PASSWORD: SECRET }, { redis }),
  ],
  [
    'a URL in the place of a backend',
    'options',
    /CACHE_BACKEND: must be one of memory, redis/,
    () => optionsFromEnvironment({ CACHE_BACKEND: `redis://:${SECRET}@h` }, { redis }),
  ],
  [
    'a backend of the environment that was not given',
    'options',
    /CACHE_BACKEND: is 'redis', .* give its `redis` to cacheConfigWith\(\{ redis \}\)/,
    () => optionsFromEnvironment({ CACHE_BACKEND: 'redis', REDIS_PASSWORD: SECRET }),
  ],
  [
    'a misspelt variable',
    'warning',
    /CACHE_PASSWORT is not a variable of nestjs-scoped-cache .* Its variables are CACHE_APP/,
    () => optionsFromEnvironment({ CACHE_PASSWORT: SECRET }),
  ],
  [
    'a flag that is none',
    'options',
    /CACHE_ENABLED: must be 'true' or 'false'/,
    () => optionsFromEnvironment({ CACHE_ENABLED: SECRET }),
  ],
  [
    'a ttl of the cache that counts 0 as for ever',
    'class',
    /@Cacheable Cats.find.ttl: .* for no expiry write null/,
    none,
    decorated({ ttl: 0 }),
  ],
  [
    'an argument to ignore that is none',
    'class',
    /ignoreArgs: "idd" .* \(id\)/,
    none,
    decorated({ ignoreArgs: ['idd'] }),
  ],
  ['an async key', 'class', /key: must not be async/, none, decorated({ key: async () => SECRET })],
  [
    'a tag for a list of tags',
    'class',
    /@Cacheable Cats.find.tags: must be a list such as \['cats'\]/,
    none,
    decorated({ tags: SECRET }),
  ],
  [
    '@CacheEvict with args, and of no method',
    'class',
    /@CacheEvict Cats.find.args: needs `method`/,
    none,
    () => [classOf(CacheEvict({ key: SECRET, args: () => [] } as never))],
  ],
  [
    'an argument that is no key',
    'call',
    /argument 0 is a function.* Give the call a `key` of its own, .*ignoreArgs/,
    none,
    decorated({}),
    (m) => m.get<{ find(id: unknown): unknown }>('cats').find(() => SECRET),
  ],
  [
    'a key that holds what has no text',
    'call',
    /key part 1 is a function, which cannot be part of a key/,
    none,
    undefined,
    (m) => cacheOf(m).get([SECRET, () => SECRET]),
  ],
  [
    'a user without a tenant',
    'call',
    /No tenant in the current scope.* runInScope/,
    none,
    undefined,
    (m) => cacheOf(m).user(SECRET).get('k'),
  ],
  [
    'everything of all tenants, by a slip',
    'call',
    /confirm: must be 'all tenants'/,
    none,
    undefined,
    (m) => cacheOf(m).clearEverything({} as never),
  ],
  [
    'counting what is no number',
    'call',
    /increment \(namespace "default"\): the entry does not hold a whole number/,
    none,
    undefined,
    async (m) => {
      await cacheOf(m).set('k', SECRET);
      await cacheOf(m).increment('k');
    },
  ],
  [
    'an option of a call that is none',
    'call',
    /tag: is not an option; there are: .*tags/,
    none,
    undefined,
    (m) => cacheOf(m).set('k', SECRET, { tag: SECRET } as never),
  ],
  [
    'a secret that is too short',
    'start',
    /keys.hashSecret: must be a text, .* of at least \d+ bytes/,
    as({ keys: { hashSecret: SECRET } }),
  ],
  [
    'a key for encryption that is none',
    'start',
    /codec.encryption.keys\[?0?\]?.*: must be 32 random bytes: a Buffer/,
    () => ({ backend: redis({ host: 'h' }), codec: { encryption: { keys: [{ id: 'a', secret: SECRET }] } } }),
  ],
  [
    'two addresses of Redis',
    'options',
    /redis: url, host, .* exclude each other: say one/,
    () => ({ backend: redis({ url: `redis://:${SECRET}@h`, host: 'h' }) }),
  ],
  [
    'bounds of nothing',
    'options',
    /memory.maxEntries: must be a whole number from 1/,
    () => ({ backend: memory({ maxEntries: 0 }) }),
  ],
  [
    'a request as an argument',
    'start',
    /@Cacheable Cats.find.ignoreArgs: argument 0 \(@Req\(\)\) cannot .* write ignoreArgs: \[0\]/,
    none,
    () => [classOf(Get(), Cacheable(), takes(Object, Req()))],
  ],
  [
    'a stream as an argument',
    'start',
    /ignoreArgs: argument 0 \(a Readable, which .* write ignoreArgs: \[0\]/,
    none,
    () => [classOf(Cacheable(), takes(Readable))],
  ],
  [
    'a class with private fields as an argument',
    'start',
    /ignoreArgs: argument 0 \(a Money, which .* private fields .* or register the class in `codec.types`/,
    none,
    () => [classOf(Cacheable(), takes(Money))],
  ],
  [
    'a function as an argument, or a class imported as a type',
    'warning',
    /Argument 0 of @Cacheable Cats.find is declared as a function.* write ignoreArgs: \[0\]/,
    none,
    () => [classOf(Cacheable(), takes(Function))],
  ],
  [
    'an instance where no class is declared',
    'call',
    /Cats.find: argument 0 is an instance .* \(Euro\).*`ignoreArgs`, declare it with its class/,
    none,
    decorated({}),
    (m) => m.get<{ find(id: unknown): unknown }>('cats').find(new Euro()),
  ],
];

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

/** As JavaScript lets it be written. */
function uncalled(decorator: unknown): Provider {
  class Cats {}
  (decorator as (target: object, name: string, descriptor: object) => void)(Cats.prototype, 'find', { value: () => 1 });
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
    if (when === 'warning') expect(said.text.split('\n')).toHaveLength(1);
  });

  it('a decorated class without a cache', async () => {
    class Cats {
      @Cacheable()
      async find(id: string): Promise<string> {
        return id;
      }
    }
    await expect(
      Test.createTestingModule({ providers: [Cats] })
        .setLogger(new KeptLog())
        .compile(),
    ).rejects.toThrow(
      /CacheModule\.forRoot\(\) in the root module; in a test write imports: \[CacheTestingModule\.forUnit\(\)\] \(from 'nestjs-scoped-cache\/testing'\)/,
    );
  });

  it('two caches without a name', async () => {
    const imports = [CacheModule.forRoot(), CacheModule.forRoot()];
    await expect(Test.createTestingModule({ imports }).setLogger(new KeptLog()).compile()).rejects.toThrow(
      /forRoot: .*stands more than once .* forRoot\(\{ name: 'reports' \}\)/,
    );
  });

  it('options that nothing makes', () => {
    expect(() => CacheModule.forRootAsync({})).toThrow('forRootAsync: needs useFactory, useClass or useExisting');
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
