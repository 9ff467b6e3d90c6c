import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cacheable, CacheConfigError, CacheEvict, CacheScope, memory } from '../../../../lib/index.js';
import { chaos } from '../../../../lib/testing.js';
import { closeAll, counter, start } from '../support/start.js';

afterEach(closeAll);

type AnyMethod = (this: unknown, ...args: unknown[]) => unknown;

/** What tracing decorators do: another function in the place of the method. */
function Traced(wrap: (method: AnyMethod) => AnyMethod): MethodDecorator {
  return ((_target: object, _name: string | symbol, descriptor: PropertyDescriptor) => ({
    ...descriptor,
    value: wrap(descriptor.value as AnyMethod),
  })) as MethodDecorator;
}

const wrappers: readonly (readonly [string, (method: AnyMethod) => AnyMethod])[] = [
  [
    'a function of any arguments',
    (method) =>
      function (...args) {
        return method.apply(this, args);
      },
  ],
  [
    'a function of no arguments',
    (method) =>
      function () {
        return method.apply(this, arguments as unknown as unknown[]);
      },
  ],
  ['a proxy', (method) => new Proxy(method, {})],
  [
    'a method of an object',
    (method) => {
      const [name, find] = ['find', method];
      return {
        [name](...args: unknown[]) {
          return find.apply(this, args);
        },
      }[name] as AnyMethod;
    },
  ],
];

describe('the entry of a method with another decorator below @Cacheable', () => {
  it.each(wrappers)('goes without args by what the compiler noted of it: %s', async (_, wrap) => {
    @Injectable()
    class Cats {
      readonly next = counter();
      @Cacheable()
      @Traced(wrap)
      async find(id: string): Promise<string> {
        return this.next(id);
      }
      @Cacheable()
      @Traced(wrap)
      async all(...ids: string[]): Promise<string> {
        return this.next(...ids);
      }
      @CacheEvict({ method: 'find' })
      async remove(_id: string, _reason: string): Promise<void> {}
      @CacheEvict({ method: 'all' })
      async removeAll(..._ids: string[]): Promise<void> {}
    }
    const { get } = await start({}, Cats);
    const cats = get(Cats);
    expect(await cats.find('a')).toBe('a #1');
    await cats.remove('a', 'because');
    expect(await cats.find('a')).toBe('a #2');
    expect(await cats.all('a', 'b')).toBe('a b #3');
    await cats.removeAll('a', 'b');
    expect(await cats.all('a', 'b')).toBe('a b #4');
  });

  /** As builds without decorator metadata leave it. */
  function bare(wrap: (method: AnyMethod) => AnyMethod, args?: (id: string) => [string]) {
    @Injectable()
    class Cats {
      readonly next = counter();
      @Cacheable()
      @Traced(wrap)
      async find(id: string): Promise<string> {
        return this.next(id);
      }
      @CacheEvict({ method: 'find', args } as { method: string })
      async remove(_id: string, _reason: string): Promise<void> {}
    }
    Reflect.deleteMetadata('design:paramtypes', Cats.prototype, 'find');
    return Cats;
  }

  it.each(wrappers)('is refused at the start until args is given, where nothing was noted: %s', async (_, wrap) => {
    const failure = await start({}, bare(wrap)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CacheConfigError);
    expect(String(failure)).toMatch(/@CacheEvict Cats\.remove\.args: is needed.*"find"/);
    await closeAll();
    const Cats = bare(wrap, (id) => [id]);
    const { get } = await start({}, Cats);
    expect(await get(Cats).find('a')).toBe('a #1');
    await get(Cats).remove('a', 'because');
    expect(await get(Cats).find('a')).toBe('a #2');
  });

  it('goes without either where its own source tells, also when a build for old targets has moved its parameters', async () => {
    @Injectable()
    class Cats {
      readonly next = counter();
      @Cacheable()
      async find(id: string, _page = 1): Promise<string> {
        return this.next(id);
      }
      @CacheEvict({ method: 'find' })
      async remove(_id: string, _page: number, _reason: string): Promise<void> {}
      @Cacheable()
      moved(_id: string): Promise<string> {
        // oxlint-disable-next-line prefer-rest-params -- as a build writes it
        return Promise.resolve(this.next(...(arguments as unknown as string[])));
      }
      @CacheEvict({ method: 'moved', args: undefined })
      async forget(_id: string, _page: number, _reason?: string): Promise<void> {}
    }
    Reflect.deleteMetadata('design:paramtypes', Cats.prototype, 'find');
    Reflect.defineMetadata('design:paramtypes', [String, Number], Cats.prototype, 'moved');
    const { get } = await start({}, Cats);
    const cats = get(Cats);
    const moved = cats.moved as (id: string, page: number) => Promise<string>;
    expect([await cats.find('a', 2), await moved.call(cats, 'a', 2)]).toEqual(['a #1', 'a 2 #2']);
    await cats.remove('a', 2, 'because');
    await cats.forget('a', 2, 'because');
    expect([await cats.find('a', 2), await moved.call(cats, 'a', 2)]).toEqual(['a #3', 'a 2 #4']);
  });
});

describe('a base and an override that are both cached', () => {
  class Base {
    row = 'old';
    readonly wait: (() => Promise<void>)[] = [];
    @Cacheable({ scope: 'tenant' })
    async findOne(id: string): Promise<string> {
      return `${this.row} ${id}`;
    }
    @CacheEvict({ method: 'findOne' })
    async byBase(_id: string): Promise<void> {}
    @CacheEvict({ method: 'findOne', allEntries: true })
    async allByBase(): Promise<void> {}
    @CacheEvict({ method: 'findOne', before: true })
    async before(_id: string): Promise<void> {}
  }
  @Injectable()
  class Sub extends Base {
    @Cacheable({ scope: 'tenant' })
    override async findOne(id: string): Promise<string> {
      return `(${await super.findOne(id)})`;
    }
    @CacheEvict({ method: 'findOne' })
    async bySub(_id: string): Promise<void> {}
    @CacheEvict({ method: 'findOne', args: (cat: { id: string }) => [cat.id] })
    async byArgs(_cat: { id: string }): Promise<void> {}
    @CacheEvict({ method: 'findOne', allEntries: true })
    async allBySub(): Promise<void> {}
  }
  @Injectable()
  class Leaf extends Sub {
    @Cacheable({ scope: 'tenant' })
    override async findOne(id: string): Promise<string> {
      return `[${await super.findOne(id)}]`;
    }
  }

  const ways: Record<string, (sub: Sub) => Promise<void>> = {
    'by the base': (sub) => sub.byBase('1'),
    'by the override': (sub) => sub.bySub('1'),
    'by args': (sub) => sub.byArgs({ id: '1' }),
    'before the method': (sub) => sub.before('1'),
    'all entries, by the base': (sub) => sub.allByBase(),
    'all entries, by the override': (sub) => sub.allBySub(),
  };
  for (const [backend, make] of [
    ['in memory', () => memory()],
    ['behind a network', () => chaos(memory())],
  ] as const) {
    it.each(Object.entries(ways))(`lose both of their entries, ${backend}: %s`, async (_, evict) => {
      const { as, get } = await start({ backend: make() }, Sub, Leaf);
      for (const [type, show] of [
        [Sub, (row: string) => `(${row} 1)`],
        [Leaf, (row: string) => `[(${row} 1)]`],
      ] as const) {
        const sub = get<Sub>(type);
        await as('acme', async () => {
          expect(await sub.findOne('1')).toBe(show('old'));
          sub.row = 'new';
          await evict(sub);
          expect(await sub.findOne('1')).toBe(show('new'));
        });
      }
    });
  }

  it('never have the override rebuilt from the entry of the base: that goes first, and the other once it is gone', async () => {
    const backend = chaos(memory());
    const { as, get } = await start({ backend }, Sub);
    const sub = get(Sub);
    await as('acme', async () => {
      await sub.findOne('1');
      sub.row = 'new';
      backend.pause('evict', 'reply');
      const evicting = sub.bySub('1');
      for (let turns = 0; backend.waiting('evict', 'reply') === 0 && turns < 1_000; turns++) await Promise.resolve();
      expect(backend.waiting('evict', 'reply')).toBe(1);
      await sub.findOne('1');
      backend.resume('evict', 'reply');
      await evicting;
      expect(await sub.findOne('1')).toBe('(new 1)');
    });
  });

  it('lose both although the removal of one fails, and the failure is told', async () => {
    const backend = chaos(memory());
    const { as, get } = await start({ backend }, Sub);
    const sub = get(Sub);
    await as('acme', async () => {
      await sub.findOne('1');
      sub.row = 'new';
      backend.failNext('evict');
      await expect(sub.bySub('1')).rejects.toMatchObject({ code: 'CACHE_INVALIDATION_UNKNOWN' });
    });
  });

  it('have each its own width: a user’s override is made of the tenant’s base', async () => {
    class Shared {
      row = 'old';
      @Cacheable({ scope: 'tenant' })
      async read(): Promise<string> {
        return this.row;
      }
      @CacheEvict({ method: 'read' })
      async forget(): Promise<void> {}
    }
    @Injectable()
    class Own extends Shared {
      @CacheScope('user')
      @Cacheable()
      override async read(): Promise<string> {
        return `my ${await super.read()}`;
      }
    }
    const { as, get } = await start({}, Own);
    await as('acme/ann', async () => {
      expect(await get(Own).read()).toBe('my old');
      get(Own).row = 'new';
      await get(Own).forget();
      expect(await get(Own).read()).toBe('my new');
    });
  });
});
