import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  Cacheable,
  CacheConfig,
  CacheConfigError,
  CacheEvict,
  CacheModule,
  CachePut,
  CacheScope,
  CacheService,
} from '../../../../lib/index.js';
import { closeAll, counter, start } from '../support/start.js';

afterEach(closeAll);

class Cats {
  readonly next = counter();
  @Cacheable({ ttl: '5m' })
  async find(id: string): Promise<string> {
    return this.next(id);
  }
  @Cacheable()
  get today(): Promise<string> {
    return Promise.resolve(this.next('today'));
  }
  @CachePut({ namespace: 'Cats.find', key: (id: string) => [id] })
  async put(id: string): Promise<string> {
    return this.next('put', id);
  }
  @CacheEvict({ method: 'find' })
  async forget(_id: string): Promise<void> {}
}

/** Cached, removed, and cached again. */
async function expectServed(cats: Pick<Cats, 'find' | 'forget'>): Promise<void> {
  expect(await cats.find('a')).toBe('a #1');
  expect(await cats.find('a')).toBe('a #1');
  await cats.forget('a');
  expect(await cats.find('a')).toBe('a #2');
}

describe('decorated methods work on objects that Nest has not made', () => {
  it('that a factory made', async () => {
    const { module } = await start({}, { provide: 'cats', useFactory: () => new Cats() });
    await expectServed(module.get('cats'));
  });

  it('that a factory promised', async () => {
    const { module } = await start({}, { provide: 'cats', useFactory: async () => new Cats() });
    await expectServed(module.get('cats'));
  });

  it('that were given as a value', async () => {
    const cats = new Cats();
    await start({}, { provide: 'cats', useValue: cats });
    await expectServed(cats);
  });

  it('that stand behind a proxy, of whichever of the two the provider knows', async () => {
    const inner = new Cats();
    const { module } = await start({}, { provide: 'cats', useFactory: () => new Proxy(inner, {}) });
    await expectServed(module.get('cats'));
    await closeAll();
    const known = new Cats();
    const { module: initialized } = await start({}, { provide: 'cats', useValue: known });
    await initialized.init();
    await expectServed(new Proxy(known, {}));
  });

  it('whose class the factory extended', async () => {
    class Kittens extends Cats {}
    const { module } = await start({}, { provide: 'cats', useFactory: () => new Kittens() });
    await expectServed(module.get('cats'));
  });

  it('that a request makes, handed to adopt()', async () => {
    @CacheConfig({ instances: 'shared' })
    class Kittens extends Cats {}
    const { module } = await start(
      {},
      {
        provide: 'cats',
        scope: Scope.REQUEST,
        inject: [CacheService],
        useFactory: (cache: CacheService) => cache.adopt(new Kittens()),
      },
    );
    const [one, two] = [await module.resolve<Cats>('cats'), await module.resolve<Cats>('cats')];
    expect(one).not.toBe(two);
    expect([await one.find('a'), await two.find('a')]).toEqual(['a #1', 'a #1']);
    await two.forget('a');
    expect(await one.find('a')).toBe('a #2');
  });
});

describe('decorated methods work where they were copied from class to class', () => {
  /** As the handbook of TypeScript has it, once with the constructor and once without. */
  function applyMixins(target: new () => object, from: new () => object, isTotal: boolean): void {
    for (const name of Object.getOwnPropertyNames(from.prototype)) {
      if (!isTotal && name === 'constructor') continue;
      Object.defineProperty(target.prototype, name, Object.getOwnPropertyDescriptor(from.prototype, name)!);
    }
  }

  it.each([true, false])(
    'by applyMixins, into classes with and without decorators of their own (constructor: %p)',
    async (isTotal) => {
      @CacheScope('user')
      class Findable {
        @Cacheable()
        async find(id: string): Promise<string> {
          return (this as unknown as { next(id: string): string }).next(id);
        }
        @CacheEvict({ method: 'find' })
        async forget(_id: string): Promise<void> {}
      }
      @Injectable()
      class Dogs {
        readonly next = counter();
      }
      @Injectable()
      class Birds {
        readonly next = counter();
        @Cacheable()
        async fly(): Promise<string> {
          return this.next('fly');
        }
      }
      @Injectable({ scope: Scope.TRANSIENT })
      class Fish {
        readonly next = counter();
      }
      for (const type of [Dogs, Birds, Fish]) applyMixins(type, Findable, isTotal);
      const { module, as, get, events } = await start({ scope: { default: 'tenant' } }, Dogs, Birds, Fish);
      await as('acme/ann', async () => {
        await expectServed(get(Dogs) as unknown as Cats);
        await expectServed(get(Birds) as unknown as Cats);
        expect(await get(Birds).fly()).toBe('fly #3');
        await expectServed((await module.resolve(Fish)) as unknown as Cats);
      });
      // Each is a class of its own, and what the mixin said of who shares its entries still holds.
      const spaces = events.of('fill').map(({ namespace, width }) => `${namespace} ${width}`);
      expect([...new Set(spaces)].toSorted()).toEqual([
        'Birds.find user',
        'Birds.fly tenant',
        'Dogs.find user',
        'Fish.find user',
      ]);
    },
  );
});

describe('an object that goes on when its application is closed', () => {
  it('is served by the next one that has it, and by none in between', async () => {
    const cats = new Cats();
    const first = await start({}, { provide: 'cats', useValue: cats });
    await first.module.init();
    expect(await cats.find('a')).toBe('a #1');
    await closeAll();
    expect([await cats.find('a'), await cats.find('a')]).toEqual(['a #2', 'a #3']);
    const { cache, module } = await start({}, { provide: 'cats', useValue: cats });
    await module.init();
    expect([await cats.find('a'), await cats.find('a')]).toEqual(['a #4', 'a #4']);
    await cache.clear();
    expect(await cats.find('a')).toBe('a #5');
  });

  it('is served by another one that was there already', async () => {
    const cats = new Cats();
    const first = await Test.createTestingModule({
      imports: [CacheModule.forRoot()],
      providers: [{ provide: 'cats', useValue: cats }],
    }).compile();
    const { cache } = await start({}, { provide: 'cats', useValue: cats });
    expect(await cats.find('a')).toBe('a #1');
    await first.init();
    await first.close();
    expect([await cats.find('a'), await cats.find('a')]).toEqual(['a #2', 'a #2']);
    await cache.clear();
    expect(await cats.find('a')).toBe('a #3');
  });
});

describe('adopt()', () => {
  it('is refused for a class that does not say what objects that are made by hand have to do with each other', async () => {
    const { cache } = await start({}, Cats);
    expect(() => cache.adopt(new Cats())).toThrow(/@CacheConfig Cats\.instances: is needed for adopt\(\)/);
  });

  it('takes what is known already, and what its class tells apart', async () => {
    @CacheConfig({ instances: (self: Client) => self.url })
    class Client {
      constructor(readonly url: string) {}
      @Cacheable()
      async fetch(): Promise<string> {
        return this.url;
      }
    }
    const { cache, get } = await start({}, Cats);
    expect(cache.adopt(get(Cats))).toBe(get(Cats));
    const read = (): Promise<string[]> => Promise.all(['a', 'b'].map((url) => cache.adopt(new Client(url)).fetch()));
    expect([await read(), await read()]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });
});

describe('decorated methods throw, while a cache is open, on an object that no cache knows', () => {
  it('naming class and method, for each decorator, before the method runs', async () => {
    await start({}, { provide: 'cats', useFactory: () => new Cats() });
    const stranger = new Cats();
    for (const [work, name] of [
      [() => stranger.find('a'), '@Cacheable Cats.find'],
      [() => stranger.today, '@Cacheable Cats.today'],
      [() => stranger.put('a'), '@CachePut Cats.put'],
      [() => stranger.forget('a'), '@CacheEvict Cats.forget'],
    ] as const) {
      expect(work).toThrow(CacheConfigError);
      expect(work).toThrow(`${name}: runs on an object that Nest has not made`);
    }
    expect(stranger.next()).toBe('#1');
  });

  it('also beside a cache with a name only, which decorated methods do not use', async () => {
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ name: 'reports' })],
      providers: [{ provide: 'cats', useFactory: () => new Cats() }],
    }).compile();
    await module.init();
    try {
      expect(() => module.get<Cats>('cats').forget('a')).toThrow(/@CacheEvict Cats\.forget: runs on an object/);
    } finally {
      await module.close();
    }
    expect(await new Cats().find('a')).toBe('a #1');
  });

  it('also of a class whose objects Nest makes for each request or each place: this one it has not made', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Kittens extends Cats {}
    const { module } = await start({}, Kittens);
    await expectServed(await module.resolve(Kittens));
    expect(() => new Kittens().find('a')).toThrow(/@Cacheable Cats\.find: runs on an object/);
  });

  it('into whose object without a class a method was copied', async () => {
    const copied = { find: Cats.prototype.find, next: counter() };
    await start({}, { provide: 'copied', useValue: copied }, { provide: 'options', useValue: {} });
    expect(() => copied.find('a')).toThrow(/@Cacheable Cats\.find: runs on an object/);
  });

  it('and without their object', async () => {
    await start({}, Cats);
    const { find } = Cats.prototype;
    const alone = (): void => void (find as (id: string) => Promise<string>)('a').catch(() => 'its own error');
    expect(alone).toThrow(/@Cacheable Cats\.find: is called without its object/);
  });

  it('not from the prototype, whose getters are read by what looks at a class', async () => {
    await start({}, Cats);
    const { today } = Object.assign(Cats.prototype, { next: () => 'prototype' });
    expect(await today).toBe('prototype');
    Reflect.deleteProperty(Cats.prototype, 'next');
  });

  it('nor while none is open: the methods simply run', async () => {
    const cats = new Cats();
    expect([await cats.find('a'), await cats.find('a')]).toEqual(['a #1', 'a #2']);
    await cats.forget('a');
    expect(await cats.put('a')).toBe('put a #3');
    await start({}, Cats);
    await closeAll();
    expect(await cats.find('a')).toBe('a #4');
  });
});

describe('a decorator above one that binds methods to their object', () => {
  function autobind(_target: object, name: string | symbol, descriptor: PropertyDescriptor): PropertyDescriptor {
    const method = descriptor.value as (...args: unknown[]) => unknown;
    return {
      configurable: true,
      get() {
        const bound = method.bind(this);
        Object.defineProperty(this, name, { value: bound, configurable: true, writable: true });
        return bound;
      },
    };
  }
  const Above = (): unknown => {
    class Bound {
      @CacheEvict({ tags: ['a'] })
      @autobind
      async forget(): Promise<void> {}
    }
    return Bound;
  };

  it('is refused when the class is defined, with and without what the compiler notes', () => {
    expect(Above).toThrow(/@CacheEvict: stands over a decorator that has made an accessor of the method Bound\.forget/);
    class Bare {
      async find(): Promise<void> {}
    }
    const made = autobind(Bare.prototype, 'find', Object.getOwnPropertyDescriptor(Bare.prototype, 'find')!);
    expect(() => (Cacheable() as MethodDecorator)(Bare.prototype, 'find', made)).toThrow(/put it below/);
  });

  it('and works below it', async () => {
    @Injectable()
    class Bound {
      readonly next = counter();
      @autobind
      @Cacheable()
      async find(id: string): Promise<string> {
        return this.next(id);
      }
      @autobind
      @CacheEvict({ method: 'find' })
      async forget(_id: string): Promise<void> {}
    }
    const { find, forget } = (await start({}, Bound)).get(Bound);
    await expectServed({ find, forget });
  });
});
