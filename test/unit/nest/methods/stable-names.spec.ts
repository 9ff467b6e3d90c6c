import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, mixin, Scope, type Type } from '@nestjs/common';
import { Cacheable, CacheConfig, CacheConfigError, CacheEvict, CacheModule } from '../../../../lib/index.js';
import { Test } from '@nestjs/testing';
import { KeptLog } from '../../../e2e/support/quiet.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

/** A cached class as a bundle would have it: with another name. */
function called(name: string, config?: Parameters<typeof CacheConfig>[0], scope = Scope.DEFAULT): Type<Found> {
  @Injectable({ scope })
  class Service implements Found {
    @Cacheable()
    async find(id: number): Promise<string> {
      return `found ${id}`;
    }
    @CacheEvict({ method: 'find' })
    async forget(_id: number): Promise<void> {}
  }
  if (config !== undefined) CacheConfig(config)(Service);
  return Object.defineProperty(Service, 'name', { value: name });
}

interface Found {
  find(id: number): Promise<string>;
}

/** What Nest's guide makes of a guard: a class that a function makes, under a name of its own in every process. */
function Lookup(kind: string, config?: Parameters<typeof CacheConfig>[0]): Type<Found> {
  @Injectable()
  class LookupMixin implements Found {
    @Cacheable()
    async find(id: number): Promise<string> {
      return `${kind} ${id}`;
    }
  }
  if (config !== undefined) CacheConfig(config)(LookupMixin);
  return mixin(LookupMixin);
}

describe('a class whose name does not stay is refused at the start, with the line to write', () => {
  const environment = process.env['NODE_ENV'];
  afterEach(() => {
    process.env['NODE_ENV'] = environment;
  });

  it.each([
    ['a class of mixin()', Lookup('jwt')],
    ['a name of one character, as in a minified bundle', called('a')],
    ['a name of two characters', called('aB')],
    ['no name', called('')],
    ['the name that a compiler made up for a class without', called('default_1')],
  ])('%s', async (_, type) => {
    for (const mode of ['development', 'test', 'production']) {
      process.env['NODE_ENV'] = mode;
      const failure = await start({}, type).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(CacheConfigError);
      expect(String(failure)).toMatch(
        /(LookupMixin|Service)\.find: is a method of a class .*@CacheConfig\(\{ namespace \}\)/,
      );
    }
  });

  it('also of a class whose first object is made by a request', async () => {
    const starting = Test.createTestingModule({
      imports: [CacheModule.forRoot()],
      providers: [called('a', undefined, Scope.REQUEST)],
    })
      .setLogger(new KeptLog())
      .compile();
    const module = await starting;
    await expect(module.init()).rejects.toThrow(/Service\.find: is a method of .*@CacheConfig/);
  });

  it('also where the name only leads the keys of a namespace that a method says', async () => {
    @Injectable()
    class Service {
      @Cacheable({ namespace: 'shared' })
      async find(): Promise<number> {
        return 1;
      }
    }
    Object.defineProperty(Service, 'name', { value: 'a' });
    await expect(start({}, Service)).rejects.toThrow(/@CacheConfig\(\{ namespace \}\)/);
  });

  it('also of a base that is reached by super', async () => {
    const make = (): new () => Found => {
      class a {
        @Cacheable()
        async find(id: number): Promise<string> {
          return `found ${id}`;
        }
      }
      return a;
    };
    @Injectable()
    class Override extends make() {
      @Cacheable()
      override async find(id: number): Promise<string> {
        return super.find(id);
      }
    }
    await expect(start({}, Override)).rejects.toThrow(/a\.find: is a method of .*@CacheConfig/);
  });

  it('two of one function that say one namespace hear what to make theirs of, and no name that is not in a source', async () => {
    const failure = await start({}, Lookup('jwt', { namespace: 'l' }), Lookup('api', { namespace: 'l' })).catch(String);
    expect(failure).toMatch(
      /LookupMixin\.find: two classes that one function makes.* made of the arguments of that function/,
    );
    expect(failure).not.toMatch(/[\da-f]{12}/);
  });

  it('not where it says its namespace, or all of its keys', async () => {
    @Injectable()
    class Said {
      @Cacheable({ namespace: 'said', key: (id: number) => id })
      async find(id: number): Promise<string> {
        return `said ${id}`;
      }
    }
    Object.defineProperty(Said, 'name', { value: 'a' });
    const [jwt, local] = [Lookup('jwt', { namespace: 'jwt' }), Lookup('local', { namespace: 'local' })];
    const named = called('b', { namespace: 'named' });
    const { get, cache } = await start({}, Said, jwt, local, named);
    expect(await Promise.all([Said, jwt, local, named].map((type) => get<Found>(type).find(1)))).toEqual([
      'said 1',
      'jwt 1',
      'local 1',
      'found 1',
    ]);
    // Whatever the class is called in the next release.
    const keys: string[] = [];
    for (const namespace of ['said', 'jwt', 'local', 'named'])
      for await (const key of cache.namespace(namespace).keys()) keys.push(`${namespace} ${key}`);
    expect(keys).toEqual(['said 1', 'jwt find:1', 'local find:1', 'named find:1']);
  });
});

it('two classes of one name are refused in one container, also with methods of different names', async () => {
  const make = (method: string): Type<unknown> => {
    @Injectable()
    class Items {}
    const find = async (): Promise<number> => 1;
    const descriptor = { value: find, configurable: true, writable: true };
    const decorated = (Cacheable() as MethodDecorator)(Items.prototype, method, descriptor) as PropertyDescriptor;
    return Object.defineProperty(Items.prototype, method, decorated).constructor as Type<unknown>;
  };
  await expect(start({}, make('find'), make('list'))).rejects.toThrow(
    /Items\.list: two classes are called "Items".*@CacheConfig\(\{ namespace \}\)/,
  );
});
