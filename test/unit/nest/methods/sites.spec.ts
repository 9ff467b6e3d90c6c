import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  forwardRef,
  Inject,
  Injectable,
  Module,
  Scope,
  UseGuards,
  type DynamicModule,
} from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheConfig, CacheConfigError, CacheEvict, CacheModule, CachePut } from '../../../../lib/index.js';
import { KeptLog } from '../../../e2e/support/quiet.js';
import { closeAll, counter, start } from '../support/start.js';

const open: TestingModule[] = [];
afterEach(async () => {
  await closeAll();
  // Nest 11 rejects with what its start was refused for.
  for (const module of open.splice(0)) await module.close().catch(() => undefined);
});

async function startModules(...imports: (DynamicModule | (new () => object))[]): Promise<TestingModule> {
  const module = await Test.createTestingModule({ imports: [CacheModule.forRoot(), ...imports] })
    .setLogger(new KeptLog())
    .compile();
  open.push(module);
  return module.init() as Promise<TestingModule>;
}

describe('automatic keys of different sites never meet', () => {
  it('of two classes that inherit one method and its namespace, said by the class or by the method', async () => {
    @CacheConfig({ namespace: 'pay' })
    abstract class ByClass {
      abstract readonly kind: string;
      readonly next = counter();
      @Cacheable()
      async findOne(id: number): Promise<string> {
        return this.next(this.kind, id);
      }
      @CacheEvict({ method: 'findOne' })
      async forget(_id: number): Promise<void> {}
    }
    @Injectable()
    class Cats extends ByClass {
      readonly kind = 'cat';
    }
    @Injectable()
    class Pays extends ByClass {
      readonly kind = 'pay';
    }
    abstract class ByMethod {
      abstract readonly kind: string;
      @Cacheable({ namespace: 'pay' })
      async findOne(id: number): Promise<string> {
        return `${this.kind} ${id}`;
      }
    }
    @Injectable()
    class Dogs extends ByMethod {
      readonly kind = 'dog';
    }
    @Injectable()
    class Fees extends ByMethod {
      readonly kind = 'fee';
    }
    const { get, cache } = await start({}, Cats, Pays, Dogs, Fees);
    const read = (): Promise<string[]> =>
      Promise.all(
        [Cats, Pays, Dogs, Fees].map((type) => get<{ findOne(id: number): Promise<string> }>(type).findOne(1)),
      );
    expect(await read()).toEqual(['cat 1 #1', 'pay 1 #1', 'dog 1', 'fee 1']);
    expect(await read()).toEqual(['cat 1 #1', 'pay 1 #1', 'dog 1', 'fee 1']);
    await get(Cats).forget(1);
    expect(await read()).toEqual(['cat 1 #2', 'pay 1 #1', 'dog 1', 'fee 1']);
    // The namespace is one all the same.
    expect(await cache.namespace('pay').clear()).toBe(4);
  });

  it('of a class and another that inherits its namespace, whatever the two are called', async () => {
    @Injectable()
    @CacheConfig({ namespace: 'items' })
    class Items {
      @Cacheable()
      async find(id: number): Promise<string> {
        return `${this.constructor === Items ? 'item' : 'other'} ${id}`;
      }
    }
    @Injectable()
    class Others extends Items {}
    const { get } = await start({}, Items, Others);
    expect([await get(Items).find(1), await get(Others).find(1)]).toEqual(['item 1', 'other 1']);
  });

  it('of three classes of one name in a chain of super', async () => {
    const grow = (Base: new () => { find(id: number): Promise<string> }): typeof Base => {
      class Layer extends Base {
        @Cacheable()
        override async find(id: number): Promise<string> {
          return `(${await super.find(id)})`;
        }
      }
      return Layer;
    };
    class Root {
      async find(id: number): Promise<string> {
        return `${id}`;
      }
    }
    const Layer = grow(grow(grow(Root)));
    const { get, cache } = await start({}, Layer);
    for (let again = 0; again < 2; again++) expect(await get(Layer).find(1)).toBe('(((1)))');
    for (const name of ['Layer.find', 'Layer.Layer.find', 'Layer.Layer~2.find'])
      expect(await cache.namespace(name).has([1])).toBe(true);
  });

  it('of two decorators on one method are refused', async () => {
    @Injectable()
    class Twice {
      @Cacheable('1m')
      @Cacheable('5m')
      async find(): Promise<number> {
        return 1;
      }
    }
    await expect(start({}, Twice)).rejects.toThrow(
      /Twice\.find: two decorators of this method have the same automatic keys/,
    );
  });

  it('of two classes that say one namespace are refused where a method of both has one name', async () => {
    @Injectable()
    @CacheConfig({ namespace: 'cats' })
    class Reader {
      @Cacheable()
      async find(): Promise<string> {
        return 'reader';
      }
    }
    @Injectable()
    @CacheConfig({ namespace: 'cats' })
    class Other {
      @Cacheable()
      async find(): Promise<string> {
        return 'other';
      }
    }
    @Injectable()
    @CacheConfig({ namespace: 'cats' })
    class Apart {
      @Cacheable()
      async list(): Promise<string> {
        return 'list';
      }
    }
    await expect(start({}, Reader, Other)).rejects.toThrow(/Other\.find: the classes Reader and Other .*@CacheConfig/);
    await closeAll();
    const { get } = await start({}, Reader, Apart);
    expect([await get(Reader).find(), await get(Apart).list()]).toEqual(['reader', 'list']);
  });
});

describe('a namespace and key that two classes inherit', () => {
  const classes = (instances?: 'shared' | ((self: { kind: string }) => string)) => {
    @CacheConfig({ instances })
    class Repository {
      readonly kind: string = 'any';
      @Cacheable({ namespace: 'entity', key: (id: number) => id })
      async findOne(id: number): Promise<string> {
        return `${this.kind} ${id}`;
      }
      @CacheEvict({ namespace: 'entity', key: (id: number) => id })
      async forget(_id: number): Promise<void> {}
      @CachePut({ namespace: 'entity', key: (id: number) => id })
      async put(id: number): Promise<string> {
        return `put ${this.kind} ${id}`;
      }
    }
    @Injectable()
    class Cats extends Repository {
      override readonly kind = 'cat';
    }
    @Injectable()
    class Dogs extends Repository {
      override readonly kind = 'dog';
    }
    return [Cats, Dogs] as const;
  };

  it('are refused until it is said what their objects have to do with each other', async () => {
    const failure = await start({}, ...classes()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CacheConfigError);
    expect(String(failure)).toMatch(/Repository\.(findOne|put): the objects of Cats and of Dogs .*instances: 'shared'/);
  });

  it('are shared where that is said', async () => {
    const [Cats, Dogs] = classes('shared');
    const { get } = await start({}, Cats, Dogs);
    expect([await get(Cats).findOne(1), await get(Dogs).findOne(1)]).toEqual(['cat 1', 'cat 1']);
  });

  it('are kept apart by a text of their objects, for reads, puts and removals', async () => {
    const [Cats, Dogs] = classes((self) => self.kind);
    const { get } = await start({}, Cats, Dogs);
    const [cats, dogs] = [get(Cats), get(Dogs)];
    expect([await cats.findOne(1), await dogs.findOne(1)]).toEqual(['cat 1', 'dog 1']);
    await cats.put(1);
    expect([await cats.findOne(1), await dogs.findOne(1)]).toEqual(['put cat 1', 'dog 1']);
    await cats.forget(1);
    expect([await cats.findOne(1), await dogs.findOne(1)]).toEqual(['cat 1', 'dog 1']);
  });

  it('are refused at a call whose object has no such text', async () => {
    const [Cats] = classes(() => '');
    const { get } = await start({}, Cats);
    await expect(get(Cats).findOne(1)).rejects.toThrow(/@CacheConfig Cats\.instances: must return a text/);
  });
});

describe('one class that is provided in several places', () => {
  const URL = 'URL';
  function registered(instances?: 'shared' | ((self: { url: string }) => string), scope = Scope.DEFAULT) {
    @Injectable({ scope })
    @CacheConfig({ instances })
    class Client {
      readonly next = counter();
      constructor(@Inject(URL) readonly url: string) {}
      @Cacheable()
      async fetch(path: string): Promise<string> {
        return this.next(this.url, path);
      }
      @CacheEvict({ method: 'fetch' })
      async forget(_path: string): Promise<void> {}
    }
    class Registered {
      static register(url: string): DynamicModule {
        const token = `client ${url}`;
        const providers = [Client, { provide: URL, useValue: url }, { provide: token, useExisting: Client }];
        return { module: Registered, providers, exports: [token] };
      }
    }
    return { Client, Registered };
  }

  it.each([
    ['as one for all', Scope.DEFAULT],
    ['for each request', Scope.REQUEST],
    ['for each place', Scope.TRANSIENT],
  ])('is refused at the start when two modules make it with different configuration, %s', async (_, scope) => {
    const { Registered } = registered(undefined, scope);
    const failure = await startModules(Registered.register('a'), Registered.register('b')).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(CacheConfigError);
    expect(String(failure)).toMatch(/@CacheConfig Client\.instances: is needed.*more than one place.*'shared'/);
  });

  it('is refused as a guard that Nest makes for each module that uses it, with different things', async () => {
    @Injectable()
    class Guard {
      constructor(@Inject(URL) readonly url: string) {}
      @Cacheable()
      async load(): Promise<boolean> {
        return true;
      }
      canActivate(): Promise<boolean> {
        return this.load();
      }
    }
    const moduleWith = (url: string): new () => object => {
      @Controller()
      @UseGuards(Guard)
      class Routes {}
      @Module({ controllers: [Routes], providers: [{ provide: URL, useValue: url }] })
      class Feature {}
      return Feature;
    };
    await expect(startModules(moduleWith('a'), moduleWith('b'))).rejects.toThrow(/Guard\.instances: is needed/);
    expect(await startModules(moduleWith('a'), moduleWith('a'))).toBeDefined();
  });

  it('is refused when two factories make it', async () => {
    class Client {
      constructor(readonly url: string) {}
      @Cacheable()
      async fetch(): Promise<string> {
        return this.url;
      }
    }
    @Module({
      providers: [
        { provide: 'a', useFactory: () => new Client('a') },
        { provide: 'b', useFactory: () => new Client('b') },
      ],
    })
    class Feature {}
    await expect(startModules(Feature)).rejects.toThrow(/Client\.instances: is needed/);
  });

  it('shares its entries where that is said', async () => {
    const { Registered } = registered('shared');
    const module = await startModules(Registered.register('a'), Registered.register('b'));
    type Client = { fetch(path: string): Promise<string> };
    expect(await module.get<Client>('client a', { strict: false }).fetch('/')).toBe('a / #1');
    expect(await module.get<Client>('client b', { strict: false }).fetch('/')).toBe('a / #1');
  });

  it('keeps them apart by a text of the object, also for removals', async () => {
    const { Registered } = registered((self) => self.url);
    const module = await startModules(Registered.register('a'), Registered.register('b'));
    type Client = { fetch(path: string): Promise<string>; forget(path: string): Promise<void> };
    const [a, b] = ['client a', 'client b'].map((token) => module.get<Client>(token, { strict: false }));
    const read = async (): Promise<string[]> => [await a!.fetch('/'), await b!.fetch('/')];
    expect(await read()).toEqual(['a / #1', 'b / #1']);
    await a!.forget('/');
    expect(await read()).toEqual(['a / #2', 'b / #1']);
  });

  it('is one place when one module makes it and others use it, for each request or each place too', async () => {
    const { Client } = registered(undefined, Scope.TRANSIENT);
    @Module({
      providers: [
        Client,
        { provide: URL, useValue: 'a' },
        { provide: 'alias', useExisting: Client },
        { provide: 'handed on', inject: [Client], useFactory: (client: object) => client },
      ],
      exports: [Client],
    })
    class Shared {}
    @Module({ imports: [Shared] })
    class One {}
    @Module({ imports: [Shared] })
    class Two {}
    const module = await startModules(One, Two);
    const [one, two] = [await module.resolve(Client), await module.resolve(Client)];
    expect([await one.fetch('/'), await two.fetch('/')]).toEqual(['a / #1', 'a / #1']);
  });

  describe('that are given the same', () => {
    /** What a team lists twice by habit: the class, and all that it is made of. */
    function habit(scope: Scope, given: () => string) {
      @Injectable()
      class Rows {
        constructor(@Inject('rows') readonly of: string) {}
      }
      @Injectable({ scope })
      class Repository {
        constructor(
          readonly rows: Rows,
          @Inject(forwardRef(() => Service)) readonly back: object,
        ) {}
      }
      @Injectable({ scope })
      class Service {
        constructor(
          @Inject(forwardRef(() => Repository)) readonly repository: Repository,
          @Inject('value') readonly value: object,
        ) {}
        @Cacheable()
        async find(id: string): Promise<string> {
          return `${this.repository.rows.of} ${id}`;
        }
      }
      const value = {};
      const providers = () => [
        Service,
        Repository,
        Rows,
        { provide: 'rows', inject: ['value'], useFactory: given },
        { provide: 'value', useValue: value },
      ];
      @Module({ providers: providers() })
      class One {}
      @Module({ providers: providers() })
      class Two {}
      return { Service, modules: [One, Two] };
    }

    it.each([
      ['one for all', Scope.DEFAULT],
      ['one for each request', Scope.REQUEST],
      ['one for each place', Scope.TRANSIENT],
    ])('answers alike: %s', async (_, scope) => {
      const { Service, modules } = habit(scope, () => 'row');
      const module = await startModules(...modules);
      const service = scope === Scope.DEFAULT ? module.get(Service) : await module.resolve(Service);
      expect(await service.find('1')).toBe('row 1');
    });

    it('is refused where something far behind it is another one', async () => {
      const rows = ['a', 'b'];
      const different = habit(Scope.DEFAULT, () => 'row').modules;
      Reflect.defineMetadata(
        'providers',
        (Reflect.getMetadata('providers', different[1]!) as { provide?: unknown }[]).map((each) =>
          each.provide === 'rows' ? { provide: 'rows', useFactory: () => rows[1] } : each,
        ),
        different[1]!,
      );
      await expect(startModules(...different)).rejects.toThrow(/Service\.instances: is needed/);
    });

    it('is refused where it looks for more by itself, in its own module', async () => {
      @Injectable()
      class Finder {
        constructor(readonly modules: ModuleRef) {}
        @Cacheable()
        async find(): Promise<string> {
          return this.modules.get<string>(URL);
        }
      }
      const moduleWith = (url: string): new () => object => {
        @Module({ providers: [Finder, { provide: URL, useValue: url }] })
        class Feature {}
        return Feature;
      };
      await expect(startModules(moduleWith('a'), moduleWith('b'))).rejects.toThrow(/Finder\.instances: is needed/);
    });

    it('is refused when a factory makes another one after the class has been looked at', async () => {
      @Injectable()
      class Client {
        url = 'of Nest';
        @Cacheable()
        async fetch(): Promise<string> {
          return this.url;
        }
      }
      const late = {
        provide: 'late',
        inject: [Client],
        useFactory: () => Object.assign(new Client(), { url: 'of a factory' }),
      };
      @Module({ providers: [Client, late] })
      class Feature {}
      await expect(startModules(Feature)).rejects.toThrow(/Client\.instances: is needed/);
    });

    it('is refused at its first call when that is in a module that is loaded later', async () => {
      @Injectable()
      class Client {
        url = 'of Nest';
        @Cacheable()
        async fetch(): Promise<string> {
          return this.url;
        }
      }
      @Module({ providers: [Client], exports: [Client] })
      class Feature {}
      const module = await startModules(Feature);
      const known = module.get(Client, { strict: false });
      expect(await known.fetch()).toBe('of Nest');
      const late = { provide: 'late', useFactory: () => Object.assign(new Client(), { url: 'of a factory' }) };
      @Module({ providers: [late] })
      class Lazy {}
      const lazy = await module.get(LazyModuleLoader).load(() => Lazy);
      expect(() => lazy.get<Client>('late').fetch()).toThrow(/Client\.instances: is needed/);
      expect(await known.fetch()).toBe('of Nest');
    });
  });
});
