import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope, SetMetadata, StreamableFile } from '@nestjs/common';
import { firstValueFrom, lastValueFrom, Observable, of, Subject, throwError, toArray } from 'rxjs';
import {
  Cacheable,
  CacheConfig,
  CacheConfigError,
  type CacheableOptions,
  CacheEvict,
  CachePut,
  CacheScope,
  type CacheStats,
  memory,
} from '../../../../lib/index.js';
import { chaos } from '../../../../lib/testing.js';
import { closeAll, counter, start } from '../support/start.js';

afterEach(closeAll);

/** A class with one cached method, for trying out options that no type would let through. */
function classWith(options: unknown, decorate: typeof Cacheable | typeof CachePut = Cacheable): () => unknown {
  return () => {
    class Tried {
      async find(id: string, filter?: unknown): Promise<unknown> {
        return [id, filter];
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Tried.prototype, 'find')!;
    (decorate as (given: unknown) => MethodDecorator)(options)(Tried.prototype, 'find', descriptor);
    return Tried;
  };
}

describe('the automatic key', () => {
  it('is made of all arguments, types and all (B25, B26)', async () => {
    @Injectable()
    class Cats {
      private readonly next = counter();
      @Cacheable()
      async find(...args: unknown[]): Promise<string> {
        return this.next(args.length);
      }
    }
    const cats = (await start({}, Cats)).get(Cats);
    const different: unknown[][] = [
      [],
      [undefined, 1],
      [null],
      [''],
      [0],
      [-0],
      ['0'],
      [false],
      [1],
      ['1'],
      [1n],
      [[]],
      [{}],
      [[1]],
      ['a', 'b'],
      ['a,b'],
      [['a', 'b']],
      [new Date(0)],
      [new Date(0).toISOString()],
      [new Map()],
      [new Set()],
      [{ a: 1 }],
      [{ a: '1' }],
      [NaN],
    ];
    const seen = new Set<string>();
    for (const args of different) seen.add(await cats.find(...args));
    expect(seen.size).toBe(different.length);
    for (const args of different) seen.add(await cats.find(...args));
    expect(seen.size).toBe(different.length);
    expect(await cats.find({ a: 1, b: { c: 2, d: 3 } })).toBe(await cats.find({ b: { d: 3, c: 2 }, a: 1 }));
  });

  it('is the same for an argument that is missing and one that is undefined, for reading and for removing', async () => {
    interface Filter {
      page?: number | undefined;
      owner?: { name?: string | undefined };
    }
    @Injectable()
    class Cats {
      private readonly next = counter();
      @Cacheable()
      async find(id: string, lang?: string, filter?: Filter): Promise<string> {
        return this.next(id, lang, filter?.page);
      }
      @Cacheable({ namespace: 'own', key: (id: string, lang?: string) => [id, lang] })
      async own(id: string, lang?: string): Promise<string> {
        return this.next(id, lang);
      }
      @CacheEvict({ method: 'find' })
      async forget(_id: string, _lang?: string, _filter?: Filter): Promise<void> {}
      @CachePut({ namespace: 'own', key: (id: string, lang?: string) => [id, lang] })
      async put(id: string, lang?: string): Promise<string> {
        return this.next('put', id, lang);
      }
    }
    const { get, cache } = await start({}, Cats);
    const cats = get(Cats);
    const first = await cats.find('a');
    expect(await cats.find('a', undefined)).toBe(first);
    expect(await cats.find('a', undefined, undefined)).toBe(first);
    await cats.forget('a', undefined, undefined);
    expect(await cats.find('a')).not.toBe(first);
    const filtered = await cats.find('a', undefined, { page: undefined, owner: { name: undefined } });
    expect(await cats.find('a', undefined, { owner: {} })).toBe(filtered);
    expect(await cats.find('a', undefined, { owner: { name: 'ann' } })).not.toBe(filtered);
    await cats.put('a', undefined);
    expect(await cats.own('a')).toBe('put a  #5');
    expect(await cache.namespace('own').delete('a')).toBe(true);
  });

  it('leaves arguments out by position and by name', async () => {
    @Injectable()
    class Cats {
      private readonly next = counter();
      @Cacheable({ ignoreArgs: [1] })
      async byPosition(id: string, _trace: string): Promise<string> {
        return this.next(id);
      }
      @Cacheable({ ignoreArgs: ['trace', 'options'] })
      async byName(id: string, trace: string, ...options: unknown[]): Promise<string> {
        return this.next(id, trace, options.length);
      }
    }
    const cats = (await start({}, Cats)).get(Cats);
    expect(await cats.byPosition('a', 'x')).toBe(await cats.byPosition('a', 'y'));
    expect(await cats.byPosition('a', 'x')).not.toBe(await cats.byPosition('b', 'x'));
    expect(await cats.byName('a', 'x')).toBe(await cats.byName('a', 'y'));
    expect(await cats.byName('a', 'x', 1)).toBe(await cats.byName('a', 'y', 2));
  });

  it('finds names beside defaults, destructuring, comments, texts and other decorators', async () => {
    @Injectable()
    class Cats {
      private readonly next = counter();
      @Cacheable({ ignoreArgs: ['last'] })
      // prettier-ignore
      async odd(
        { id, deep: [first] = [')'] }: { id: string; deep?: string[] }, // a comment, with (brackets
        url = 'http://x/*',
        /* and, another ( */ [second]: string[] = ['it\'s, "odd"'],
        template = `a ${1 + 1} ) b`,
        callback = (a: number, b: number) => [a, b],
        last = {},
      ): Promise<string> {
        return this.next(id, first, url, second, template, callback.length, typeof last);
      }
      @Cacheable({ ignoreArgs: ['trace'] })
      @CacheEvict({ scope: 'global', tags: ['x'] })
      @SetMetadata('k', 'v')
      async stacked(id: string, trace: string): Promise<string> {
        return this.next(id, trace);
      }
    }
    const cats = (await start({ codec: {} }, Cats)).get(Cats);
    const odd = (last: object): Promise<string> => cats.odd({ id: 'a' }, 'u', ['s'], 't', undefined, last);
    expect(await odd({ x: 1 })).toBe(await odd({ x: 2 }));
    expect(await cats.stacked('a', 'x')).toBe(await cats.stacked('a', 'y'));
  });

  it.each([
    ['a name that is no parameter', { ignoreArgs: ['user'] }, /"user" is not one of its parameters \(id, filter\)/],
    ['a negative position', { ignoreArgs: [-1] }, /positions are whole numbers/],
    ['no list', { ignoreArgs: 'id' }, /must be a list/],
    ['beside a key', { ignoreArgs: [0], key: 'x' }, /has no meaning beside `key`/],
  ])('refuses %s when the class is defined', (_, options, message) => {
    expect(classWith(options)).toThrow(CacheConfigError);
    expect(classWith(options)).toThrow(message);
  });

  it('refuses arguments that make no key, naming the argument (B24)', async () => {
    @Injectable()
    class Cats {
      @Cacheable()
      async find(_id: string, _filter: unknown): Promise<string> {
        return 'never';
      }
    }
    const cats = (await start({}, Cats)).get(Cats);
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    for (const filter of [() => 1, Symbol('s'), Cats, new Cats(), circle, Promise.resolve(1), { deep: [() => 1] }])
      await expect(cats.find('a', filter)).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID', where: /argument 1/ });
  });
});

describe('arguments that their caller changes afterwards (B36)', () => {
  interface Filter {
    page: number;
    deep: { tags: string[] };
  }
  @Injectable()
  class Lists {
    readonly seen: string[] = [];
    @Cacheable({ ttl: '1m', staleWhileRevalidate: '1h', tags: (filter: Filter) => [`page:${filter.page}`] })
    async aging(filter: Filter): Promise<string> {
      return this.look(filter);
    }
    @Cacheable({
      tags: (filter: Filter) => [`page:${filter.page}`],
      resultTags: (_: string, filter: Filter) => [`result:${filter.page}`],
    })
    async list(filter: Filter): Promise<string> {
      return this.look(filter);
    }
    @Cacheable({ key: (filter: Filter) => filter.page })
    sequence(filter: Filter): Observable<string> {
      return of(this.look(filter));
    }
    @Cacheable({ ignoreArgs: ['owner'] })
    async owned(filter: Filter, owner: object): Promise<boolean> {
      return this.look(filter) !== '' && Object.isFrozen(owner);
    }
    private look(filter: Filter): string {
      const text = `page ${filter.page} ${filter.deep.tags.join()}`;
      this.seen.push(text);
      return text;
    }
  }
  const firstPage = (): Filter => ({ page: 1, deep: { tags: ['a'] } });
  const turn = (filter: Filter): void => {
    filter.page++;
    filter.deep.tags.push('b');
  };

  it('are the old ones for a reload in the background', async () => {
    const { clock, get } = await start({}, Lists);
    const filter = firstPage();
    expect(await get(Lists).aging(filter)).toBe('page 1 a');
    await clock.advance(61_000);
    const stale = get(Lists).aging(filter);
    turn(filter);
    expect(await stale).toBe('page 1 a');
    await clock.settle();
    expect(get(Lists).seen).toEqual(['page 1 a', 'page 1 a']);
    expect(await get(Lists).aging(firstPage())).toBe('page 1 a');
  });

  it('are the old ones for a method that runs after a server has answered, and for its tags', async () => {
    const { cache, get } = await start({ backend: chaos(memory()) }, Lists);
    const filter = firstPage();
    const first = get(Lists).list(filter);
    const sequence = lastValueFrom(get(Lists).sequence(filter));
    turn(filter);
    expect([await first, await sequence]).toEqual(['page 1 a', 'page 1 a']);
    for (const tag of ['page:1', 'result:1']) {
      await get(Lists).list(firstPage());
      const runs = get(Lists).seen.length;
      await cache.invalidateTags([tag]);
      await get(Lists).list(firstPage());
      expect(get(Lists).seen).toHaveLength(runs + 1);
    }
  });

  it('stay themselves where they are no part of the key', async () => {
    const { get } = await start({ backend: chaos(memory()) }, Lists);
    expect(await get(Lists).owned(firstPage(), Object.freeze({ name: 'ann' }))).toBe(true);
  });
});

describe('a key of one’s own', () => {
  it('is a text, a function of the arguments, or parts of any kind', async () => {
    @Injectable()
    class Cats {
      private readonly next = counter();
      @Cacheable({ key: 'all' })
      async fixed(_page: number): Promise<string> {
        return this.next();
      }
      @Cacheable({ key: (cat: { id: string }) => cat.id })
      async ofCat(cat: { id: string; age: number }): Promise<string> {
        return this.next(cat.age);
      }
      @Cacheable({ key: (a: string, b: string) => [a, b] })
      async parts(a: string, b: string): Promise<string> {
        return this.next(a, b);
      }
      @Cacheable({ key: () => '' })
      async empty(): Promise<string> {
        return this.next();
      }
    }
    const { cache, get } = await start({}, Cats);
    const cats = get(Cats);
    expect(await cats.fixed(1)).toBe(await cats.fixed(2));
    expect(await cats.ofCat({ id: 'a', age: 1 })).toBe(await cats.ofCat({ id: 'a', age: 2 }));
    expect(await cats.parts('a', 'b:c')).not.toBe(await cats.parts('a:b', 'c'));
    await expect(cats.empty()).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' });
    expect(await cache.namespace('Cats.fixed').get('all')).toBe(await cats.fixed(3));
    expect(await cache.namespace('Cats.parts').has(['a', 'b:c'])).toBe(true);
  });
});

describe('namespaces', () => {
  it('are those of the object’s own class: two classes that inherit a method do not mix', async () => {
    abstract class Repository {
      protected readonly next = counter();
      abstract readonly kind: string;
      @Cacheable()
      async findOne(id: string): Promise<string> {
        return this.next(this.kind, id);
      }
      @CacheEvict({ method: 'findOne' })
      async remove(_id: string): Promise<void> {}
    }
    @Injectable()
    class Cats extends Repository {
      readonly kind = 'cat';
    }
    @Injectable()
    class Dogs extends Repository {
      readonly kind = 'dog';
    }
    @Injectable()
    class Birds extends Repository {
      readonly kind = 'bird';
      @Cacheable({ ttl: '5m' })
      override async findOne(id: string): Promise<string> {
        return `${await super.findOne(id)} with wings`;
      }
    }
    @Injectable()
    class Fish extends Repository {
      readonly kind = 'fish';
      override async findOne(id: string): Promise<string> {
        return `${await super.findOne(id)} with fins`;
      }
    }
    const { cache, get } = await start({}, Cats, Dogs, Birds, Fish);
    const [cats, dogs, birds, fish] = [get(Cats), get(Dogs), get(Birds), get(Fish)];
    expect(await Promise.all([cats, dogs, birds, fish].map((it_) => it_.findOne('1')))).toEqual([
      'cat 1 #1',
      'dog 1 #1',
      'bird 1 #1 with wings',
      'fish 1 #1 with fins',
    ]);
    expect(await cache.namespace('Cats.findOne').get(['1'])).toBe('cat 1 #1');
    expect(await cache.namespace('Birds.findOne').get(['1'])).toBe('bird 1 #1 with wings');
    await birds.remove('1');
    // The entry of the object's own method goes, and the one behind `super` of which it was made.
    expect(await birds.findOne('1')).toBe('bird 1 #2 with wings');
    expect(await cats.findOne('1')).toBe('cat 1 #1');
    await fish.remove('1');
    expect([await fish.findOne('1'), await dogs.findOne('1')]).toEqual(['fish 1 #2 with fins', 'dog 1 #1']);
  });

  it('of two classes that happen to have one name are refused at the start', async () => {
    const make = (): new () => object => {
      @Injectable()
      class Items {
        @Cacheable()
        async find(): Promise<number> {
          return 1;
        }
      }
      return Items;
    };
    const failure = await start({}, make(), make()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CacheConfigError);
    expect((failure as Error).message).toMatch(/two classes are called "Items".*@CacheConfig/);
  });

  it('of a class, with @CacheConfig, hold its methods apart by their names, and give them their policy', async () => {
    @Injectable()
    @CacheConfig({ namespace: 'cats', ttl: '7m', scope: 'tenant' })
    class Cats {
      private readonly next = counter();
      @Cacheable()
      async one(id: string): Promise<string> {
        return this.next('one', id);
      }
      @Cacheable({ ttl: '9m' })
      async two(id: string): Promise<string> {
        return this.next('two', id);
      }
      @Cacheable({ namespace: 'other' })
      async three(id: string): Promise<string> {
        return this.next('three', id);
      }
    }
    @Injectable()
    @CacheConfig({ namespace: 'kittens' })
    class Kittens extends Cats {}
    const { cache, events, as, get } = await start({ namespaces: { cats: { ttl: '1m' } } }, Cats, Kittens);
    await as('acme', async () => {
      const cats = get(Cats);
      expect([await cats.one('a'), await cats.two('a'), await cats.three('a')]).toEqual([
        'one a #1',
        'two a #2',
        'three a #3',
      ]);
      expect(await get(Kittens).one('a')).toBe('one a #1');
      const view = cache.tenant('acme').namespace('cats');
      const keys: string[] = [];
      for await (const key of view.keys()) keys.push(key);
      expect(keys.sort()).toEqual(['one:a', 'two:a']);
      expect(await view.clear()).toBe(2);
      expect(await get(Kittens).one('a')).toBe('one a #1');
    });
    expect(events.of('fill').map(({ namespace, width, ttlMs }) => [namespace, width, ttlMs / 60_000])).toEqual([
      ['cats', 'tenant', 7],
      ['cats', 'tenant', 9],
      ['other', 'tenant', 7],
      ['kittens', 'tenant', 7],
    ]);
  });

  it('take their policy from the module', async () => {
    @Injectable()
    class Cats {
      @Cacheable()
      async find(id: string): Promise<string> {
        return id;
      }
    }
    const options = { defaults: { ttl: '2m' }, namespaces: { 'Cats.find': { ttl: '3m' } } } as const;
    const { events, get } = await start(options, Cats);
    await get(Cats).find('a');
    expect(events.of('fill')[0]?.ttlMs).toBe(180_000);
  });

  it('change with the version', async () => {
    const make = (
      version: number,
    ): new () => { find(id: string): Promise<string>; forget(id: string): Promise<void> } => {
      @Injectable()
      class Cats {
        @Cacheable({ version, namespace: 'cats', key: (id: string) => id })
        async find(id: string): Promise<string> {
          return `${id} of ${version}`;
        }
        @CacheEvict({ namespace: 'cats', key: (id: string) => id })
        async forget(_id: string): Promise<void> {}
      }
      return Cats;
    };
    const [One, Two] = [make(1), make(2)];
    const { cache, get } = await start({}, One, Two);
    expect([await get(One).find('a'), await get(Two).find('a')]).toEqual(['a of 1', 'a of 2']);
    expect((await cache.namespace('cats').stats()).size).toBe(2);
    await get(One).forget('a');
    expect((await cache.namespace('cats').stats()).size).toBe(0);
  });
});

describe('scopes', () => {
  @Injectable()
  @CacheScope('user')
  class Notes {
    readonly next = counter();
    @Cacheable()
    async ofClass(): Promise<string> {
      return this.next('class');
    }
    @CacheScope('tenant')
    @Cacheable()
    async ofMethod(): Promise<string> {
      return this.next('method');
    }
    @Cacheable({ scope: 'global' })
    @CacheScope('tenant')
    async ofOption(): Promise<string> {
      return this.next('option');
    }
    @Cacheable({ context: (order: { t?: string; u?: string }) => ({ tenant: order.t, user: order.u }) })
    async ofContext(order: { t?: string; u?: string }): Promise<string> {
      return this.next('context', order.t);
    }
  }

  it('are those of the option, of the method, of the class, in this order', async () => {
    const { as, get } = await start({}, Notes);
    const notes = get(Notes);
    const seen = async (name: 'ofClass' | 'ofMethod' | 'ofOption'): Promise<number> => {
      const answers = await Promise.all(
        ['acme/ann', 'acme/bob', 'globex/ann', 'globex/bob'].map((who) => as(who, () => notes[name]())),
      );
      return new Set(answers).size;
    };
    expect([await seen('ofClass'), await seen('ofMethod'), await seen('ofOption')]).toEqual([4, 2, 1]);
  });

  it('said by context override the surroundings, and fail closed when they say too little', async () => {
    const { as, get } = await start({ scope: { onMissing: 'throw' } }, Notes);
    const notes = get(Notes);
    const order = { t: 'acme', u: 'ann' };
    const first = await notes.ofContext(order);
    expect(await as('globex/eve', () => notes.ofContext(order))).toBe(first);
    expect(await as('acme/ann', () => notes.ofContext({ t: 'globex', u: 'ann' }))).toBe('context globex #2');
    await expect(as('acme/ann', () => notes.ofContext({ t: 'acme' }))).rejects.toMatchObject({
      code: 'CACHE_SCOPE_MISSING',
      part: 'user',
    });
    await expect(as('acme/ann', () => notes.ofContext({ u: 'ann' }))).rejects.toMatchObject({ part: 'tenant' });
  });

  it('that are missing fail the call before the method runs, or leave the cache out of it with bypass', async () => {
    for (const onMissing of ['throw', 'bypass'] as const) {
      const { cache, as, get } = await start({ scope: { onMissing } }, Notes);
      const notes = get(Notes);
      const calls = [
        (): Promise<string> => notes.ofClass(),
        (): Promise<string> => as('acme', () => notes.ofClass()),
        (): Promise<string> => notes.ofMethod(),
        (): Promise<string> => as(' /ann', () => notes.ofMethod()),
      ];
      for (const call of calls) {
        if (onMissing === 'throw') await expect(call()).rejects.toMatchObject({ code: 'CACHE_SCOPE_MISSING' });
        else expect(await call()).not.toBe(await call());
      }
      expect(notes.next()).toBe(onMissing === 'throw' ? '#1' : '#9');
      expect(await cache.totals()).toMatchObject({ size: 0, sets: 0, bypasses: onMissing === 'throw' ? 0 : 8 });
    }
  });

  it('are refused when they are none', () => {
    expect(() => CacheScope('organisation' as never)).toThrow(CacheConfigError);
    expect(classWith({ scope: 'organisation' })).toThrow(/find\.scope/);
  });

  it('of the entry are what its method runs in, and what it reads more narrowly keeps it from being stored', async () => {
    @Injectable()
    class Shared {
      constructor(private readonly notes: Notes) {}
      @Cacheable({ scope: 'tenant' })
      async board(): Promise<string> {
        return this.notes.ofClass();
      }
      @Cacheable({ scope: 'user' })
      async mine(): Promise<string> {
        return `${await this.notes.ofMethod()} ${await this.notes.ofClass()}`;
      }
    }
    const { as, get, cache } = await start({}, Notes, Shared);
    await expect(as('acme/ann', () => get(Shared).board())).rejects.toMatchObject({ part: 'user' });
    expect(await as('acme/ann', () => get(Shared).mine())).toBe('method #1 class #2');
    expect(await as('acme/bob', () => get(Shared).mine())).toBe('method #1 class #3');
    expect((await as('acme', () => cache.tenant('acme').stats())).size).toBe(5);
  });
});

describe('condition and unless', () => {
  @Injectable()
  class Cats {
    readonly next = counter();
    @Cacheable({
      condition: (id: string) => id !== 'never',
      unless: (cat: string | null, id: string) => cat === null || id === 'odd',
    })
    async find(id: string): Promise<string | null> {
      const made = this.next(id);
      return id === 'none' ? null : made;
    }
    @CachePut({
      namespace: 'Cats.find',
      key: (id: string) => [id],
      condition: (id: string) => id !== 'never',
      unless: (cat: string) => cat.includes('bad'),
    })
    async put(id: string): Promise<string> {
      return this.next(id);
    }
    @CacheEvict({ method: 'find', condition: (id: string) => id !== 'kept' })
    async forget(_id: string): Promise<void> {}
  }

  it('keep the cache out of a call, or its result out of the cache', async () => {
    const { cache, events, get } = await start({}, Cats);
    const cats = get(Cats);
    expect((await cache.namespace('Cats.find').stats()).bypasses).toBe(0);
    for (const id of ['never', 'none', 'odd']) {
      await cats.find(id);
      await cats.find(id);
    }
    expect(cats.next()).toBe('#7');
    expect(events.of('bypass').map(({ reason }) => reason)).toEqual(['condition', 'condition']);
    expect(events.of('refused').map(({ reason }) => reason)).toEqual(['skipped', 'skipped', 'skipped', 'skipped']);
    expect((await cache.totals()).size).toBe(0);
    expect((await cache.namespace('Cats.find').stats()).bypasses).toBe(2);
  });

  it('work the same for @CachePut and @CacheEvict', async () => {
    const { get } = await start({}, Cats);
    const cats = get(Cats);
    expect(await cats.put('a')).toBe('a #1');
    expect(await cats.find('a')).toBe('a #1');
    await cats.put('never');
    expect(await cats.find('never')).toBe('never #3');
    await cats.put('bad');
    expect(await cats.find('bad')).toBe('bad #5');
    await cats.find('kept');
    await cats.forget('kept');
    await cats.forget('a');
    expect([await cats.find('kept'), await cats.find('a')]).toEqual(['kept #6', 'a #7']);
  });

  it('whose function throws reach the caller before the method runs, or leave its result unstored', async () => {
    @Injectable()
    class Broken {
      runs = 0;
      @Cacheable({
        condition: () => {
          throw new RangeError('condition');
        },
      })
      async before(): Promise<number> {
        return ++this.runs;
      }
      @Cacheable({
        unless: () => {
          throw new RangeError('unless');
        },
      })
      async after(): Promise<number> {
        return ++this.runs;
      }
    }
    const { get, cache } = await start({}, Broken);
    await expect(get(Broken).before()).rejects.toThrow(RangeError);
    expect([await get(Broken).after(), await get(Broken).after()]).toEqual([1, 2]);
    expect((await cache.totals()).size).toBe(0);
  });
});

describe('policies', () => {
  it('set the ttl: as a duration, as no expiry, as a function of result and arguments', async () => {
    @Injectable()
    class Cats {
      @Cacheable('90s')
      async short(): Promise<string> {
        return 'x';
      }
      @Cacheable(120_000)
      async number(): Promise<string> {
        return 'x';
      }
      @Cacheable({ ttl: null })
      async ever(): Promise<string> {
        return 'x';
      }
      @Cacheable({ ttl: (cat: { days: number }, factor: number) => cat.days * factor * 86_400_000 })
      async computed(factor: number): Promise<{ days: number }> {
        return { days: 2 * factor };
      }
    }
    const { events, get, cache } = await start({}, Cats);
    const cats = get(Cats);
    await cats.short();
    await cats.number();
    await cats.ever();
    await cats.computed(3);
    expect(events.of('fill').map(({ ttlMs }) => ttlMs)).toEqual([90_000, 120_000, Infinity, 18 * 86_400_000]);
    expect(await cache.namespace('Cats.ever').has([] as never)).toBe(true);
  });

  it('serve stale while they reload, stale on errors, and null for its own time', async () => {
    @Injectable()
    class Cats {
      readonly next = counter();
      isDown = false;
      @Cacheable({ ttl: '1m', staleWhileRevalidate: '1m' })
      async swr(): Promise<string> {
        return this.next();
      }
      @Cacheable({ ttl: '1m', staleIfError: '1h' })
      async sie(): Promise<string> {
        if (this.isDown) throw new Error('down');
        return this.next();
      }
      @Cacheable({ ttl: '1h', negativeTtl: '1m' })
      async none(): Promise<null> {
        this.next();
        return null;
      }
    }
    const { clock, get } = await start({}, Cats);
    const cats = get(Cats);
    expect([await cats.swr(), await cats.sie(), await cats.none()]).toEqual(['#1', '#2', null]);
    await clock.advance(61_000);
    cats.isDown = true;
    expect([await cats.swr(), await cats.sie()]).toEqual(['#1', '#2']);
    await clock.settle();
    expect(await cats.swr()).toBe('#4');
    await cats.none();
    expect(cats.next()).toBe('#6');
    await clock.advance(3_600_000);
    await expect(cats.sie()).rejects.toThrow('down');
  });

  it('stop waiting: at softTimeout for the old value, at hardTimeout with an error', async () => {
    @Injectable()
    class Cats {
      isSlow = false;
      readonly waits: (() => void)[] = [];
      @Cacheable({ ttl: '1m', staleIfError: '1h', softTimeout: 50 })
      async soft(): Promise<string> {
        if (this.isSlow) await new Promise<void>((resolve) => this.waits.push(resolve));
        return this.isSlow ? 'new' : 'old';
      }
      @Cacheable({ hardTimeout: 70 })
      async hard(): Promise<string> {
        return new Promise(() => undefined);
      }
    }
    const { clock, get } = await start({}, Cats);
    const cats = get(Cats);
    expect(await cats.soft()).toBe('old');
    cats.isSlow = true;
    await clock.advance(61_000);
    const soft = cats.soft();
    const hard = cats.hard();
    hard.catch(() => undefined);
    await clock.advance(50);
    expect(await soft).toBe('old');
    cats.waits[0]?.();
    await clock.advance(20);
    expect(await cats.soft()).toBe('new');
    await expect(hard).rejects.toMatchObject({ code: 'CACHE_LOADER_TIMEOUT', timeoutMs: 70 });
  });

  it('isolate: clone gives each caller a copy, freeze one frozen value, none the value itself', async () => {
    @Injectable()
    class Cats {
      @Cacheable({ isolate: 'clone' })
      async clone(): Promise<{ names: string[] }> {
        return { names: ['Tom'] };
      }
      @Cacheable({ isolate: 'freeze' })
      async freeze(): Promise<{ names: string[] }> {
        return { names: ['Tom'] };
      }
      @Cacheable({ isolate: 'none' })
      async none(): Promise<{ names: string[] }> {
        return { names: ['Tom'] };
      }
    }
    const cats = (await start({}, Cats)).get(Cats);
    (await cats.clone()).names.push('Jerry');
    (await cats.clone()).names.push('Jerry');
    expect(await cats.clone()).toEqual({ names: ['Tom'] });
    await cats.freeze();
    expect(Object.isFrozen((await cats.freeze()).names)).toBe(true);
    expect(await cats.freeze()).toBe(await cats.freeze());
    await cats.none();
    expect(await cats.none()).toBe(await cats.none());
  });

  it('jitter and earlyRefresh reach the engine', async () => {
    @Injectable()
    class Cats {
      @Cacheable({ ttl: '1m', jitter: 0.5 })
      async spread(id: number): Promise<number> {
        return id;
      }
      @Cacheable({ ttl: '1m', earlyRefresh: 10 })
      async early(): Promise<number> {
        return 1;
      }
    }
    const { events, clock, get } = await start({}, Cats);
    for (let id = 0; id < 20; id++) await get(Cats).spread(id);
    const spread = events.of('fill').map(({ ttlMs }) => ttlMs);
    expect(new Set(spread).size).toBeGreaterThan(10);
    expect(Math.min(...spread)).toBeGreaterThanOrEqual(30_000);
    await get(Cats).early();
    await clock.advance(59_000);
    await get(Cats).early();
    expect(events.of('hit').map(({ verdict }) => verdict)).toEqual(['fresh']);
  });

  it('failSilently: a read survives a backend that fails, or says so', async () => {
    @Injectable()
    class Cats {
      readonly next = counter();
      @Cacheable()
      async silent(): Promise<string> {
        return this.next();
      }
      @Cacheable({ failSilently: false })
      async loud(): Promise<string> {
        return this.next();
      }
    }
    const backend = chaos(memory());
    const { get } = await start({ backend }, Cats);
    backend.break();
    expect(await get(Cats).silent()).toBe('#1');
    await expect(get(Cats).loud()).rejects.toMatchObject({ code: 'CACHE_BACKEND' });
    expect(get(Cats).next()).toBe('#2');
  });

  it.each([
    ['ttl', { ttl: 0 }],
    ['ttl', { ttl: '5 minutes' }],
    ['ttl', { ttl: Infinity }],
    ['staleWhileRevalidate', { staleWhileRevalidate: -1 }],
    ['jitter', { jitter: 0.6 }],
    ['earlyRefresh', { earlyRefresh: 11 }],
    ['isolate', { isolate: 'copy' }],
    ['failSilently', { failSilently: 'yes' }],
    ['verbose', { verbose: 1 }],
    ['version', { version: 'a b' }],
    ['unless', { unless: true }],
    ['condition', { condition: true }],
    ['context', { context: { tenant: 'acme' } }],
    ['tll', { tll: '5m' }],
  ])('refuse %s that cannot work when the class is defined: %j', (name, options) => {
    for (const decorate of [Cacheable, CachePut]) {
      const failure = ((): unknown => {
        try {
          return classWith(options, decorate)();
        } catch (error) {
          return error;
        }
      })();
      expect(failure).toBeInstanceOf(CacheConfigError);
      expect((failure as CacheConfigError).option).toMatch(new RegExp(`^@Cache(able|Put) Tried\\.find\\.${name}$`));
    }
  });

  it('that look like seconds are told about when the application starts', async () => {
    @Injectable()
    class Cats {
      @Cacheable(300)
      async find(): Promise<string> {
        return 'x';
      }
    }
    const { log } = await start({}, Cats);
    expect(log.of('Cache')).toEqual([expect.stringMatching(/Cats\.find\.ttl is 300 milliseconds/)]);
  });
});

describe('tags', () => {
  it('are fixed, of the arguments and of the result', async () => {
    @Injectable()
    class Cats {
      readonly next = counter();
      @Cacheable({ tags: ['cats'] })
      async fixed(): Promise<string> {
        return this.next('fixed');
      }
      @Cacheable({ tags: (id: string) => [`cat:${id}`, 'cats'] })
      async ofArgs(id: string): Promise<string> {
        return this.next('args', id);
      }
      @Cacheable({ resultTags: (cat: { owner: string }, id: string) => [`owner:${cat.owner}`, `id:${id}`] })
      async ofResult(id: string): Promise<{ owner: string; made: string }> {
        return { owner: 'ann', made: this.next(id) };
      }
    }
    const { cache, get } = await start({}, Cats);
    const cats = get(Cats);
    const all = async (): Promise<string[]> => [
      await cats.fixed(),
      await cats.ofArgs('a'),
      (await cats.ofResult('a')).made,
    ];
    expect(await all()).toEqual(['fixed #1', 'args a #2', 'a #3']);
    await cache.invalidateTags(['cat:a']);
    expect(await all()).toEqual(['fixed #1', 'args a #4', 'a #3']);
    await cache.invalidateTags(['owner:ann']);
    expect(await all()).toEqual(['fixed #1', 'args a #4', 'a #5']);
    await cache.invalidateTags(['id:a', 'cats']);
    expect(await all()).toEqual(['fixed #6', 'args a #7', 'a #8']);
  });

  it('that cannot be are refused: fixed ones when the class is defined, others by the call (B29)', async () => {
    expect(classWith({ tags: [''] })).toThrow(/Tags/);
    expect(classWith({ tags: Array.from({ length: 5_000 }, (_, index) => `${index}`) })).toThrow(/at most 4096/);
    @Injectable()
    class Cats {
      readonly next = counter();
      @Cacheable({ tags: () => [''] })
      async ofArgs(): Promise<string> {
        return this.next();
      }
      @Cacheable({ resultTags: () => [7 as never] })
      async ofResult(): Promise<string> {
        return this.next();
      }
    }
    const { get, cache } = await start({}, Cats);
    await expect(get(Cats).ofArgs()).rejects.toMatchObject({ code: 'CACHE_TAG_INVALID' });
    expect([await get(Cats).ofResult(), await get(Cats).ofResult()]).toEqual(['#1', '#2']);
    expect((await cache.totals()).size).toBe(0);
  });
});

describe('@CachePut', () => {
  @Injectable()
  class Cats {
    readonly next = counter();
    gate: Promise<void> = Promise.resolve();
    @Cacheable({ namespace: 'cats', scope: 'tenant', key: (id: string) => id })
    async find(id: string): Promise<unknown> {
      await this.gate;
      return this.next('found', id);
    }
    @CachePut({ namespace: 'cats', scope: 'tenant', key: (id: string) => id })
    async save(id: string): Promise<unknown> {
      if (id === 'fails') throw new RangeError('not saved');
      return id === 'stream' ? Readable.from([]) : this.next('saved', id);
    }
  }

  it('always runs the method and puts its result in the place of the entry, for its own scope only', async () => {
    const { as, get } = await start({}, Cats);
    const cats = get(Cats);
    await as('globex', () => cats.find('a'));
    await as('acme', async () => {
      expect([await cats.find('a'), await cats.save('a'), await cats.save('a'), await cats.find('a')]).toEqual([
        'found a #2',
        'saved a #3',
        'saved a #4',
        'saved a #4',
      ]);
    });
    expect(await as('globex', () => cats.find('a'))).toBe('found a #1');
  });

  it('stores no error, and evicts what it cannot replace', async () => {
    const { as, get } = await start({}, Cats);
    const cats = get(Cats);
    await as('acme', async () => {
      await cats.find('fails');
      await expect(cats.save('fails')).rejects.toThrow(RangeError);
      expect(await cats.find('fails')).toBe('found fails #1');
      await cats.find('stream');
      expect(await cats.save('stream')).toBeInstanceOf(Readable);
      expect(await cats.find('stream')).toBe('found stream #3');
    });
  });

  it('wins over a load that began before, and loses to an invalidation while it runs', async () => {
    const { as, cache, get } = await start({}, Cats);
    const cats = get(Cats);
    await as('acme', async () => {
      let open = (): void => undefined;
      cats.gate = new Promise((resolve) => (open = resolve));
      const slow = cats.find('a');
      expect(await cats.save('a')).toBe('saved a #1');
      open();
      expect(await slow).toBe('found a #2');
      expect(await cats.find('a')).toBe('saved a #1');
      const saving = cats.save('a');
      await cache.tenant('acme').namespace('cats').delete('a');
      await saving;
      expect(await cats.find('a')).toBe('found a #4');
    });
  });

  it('throws without a scope before the method runs, also with bypass', async () => {
    const { get } = await start({ scope: { onMissing: 'bypass' } }, Cats);
    await expect(get(Cats).save('a')).rejects.toMatchObject({ code: 'CACHE_SCOPE_MISSING' });
    expect(get(Cats).next()).toBe('#1');
  });
});

describe('Observables (B10)', () => {
  @Injectable()
  class Feeds {
    readonly next = counter();
    subject = new Subject<number>();
    @Cacheable({ scope: 'user', unless: (values) => (values as unknown[]).length === 0 })
    list(id: string): Observable<string> {
      return of(this.next(id), 'b', 'c');
    }
    @Cacheable()
    broken(): Observable<string> {
      this.next();
      return throwError(() => new RangeError('broken'));
    }
    @Cacheable()
    live(): Observable<number> {
      this.next();
      return this.subject;
    }
    @Cacheable()
    get current(): Observable<string> {
      return of(this.next('current'));
    }
    @Cacheable({ condition: () => false })
    never(): Observable<number> {
      return this.subject;
    }
    @CachePut({ namespace: 'Feeds.list', scope: 'user', key: (id: string) => [id] })
    put(id: string): Observable<string> {
      return of(this.next(id), 'put');
    }
    @CacheEvict({ method: 'list' })
    drop(_id: string): Observable<string> {
      return of('dropped', this.next());
    }
    @CacheEvict({ method: 'list' })
    dropBadly(_id: string): Observable<string> {
      return throwError(() => new RangeError('not dropped'));
    }
    @CacheEvict({ method: 'list', before: true })
    dropBefore(_id: string): Observable<string> {
      return throwError(() => new RangeError('dropped before'));
    }
  }
  const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()));

  it('are stored when complete and played back to each subscriber in the scope of its subscription', async () => {
    const { as, get } = await start({}, Feeds);
    const feed = get(Feeds).list('x');
    expect(feed).toBeInstanceOf(Observable);
    expect(await as('acme/ann', () => all(feed))).toEqual(['x #1', 'b', 'c']);
    expect(await as('acme/ann', () => all(feed))).toEqual(['x #1', 'b', 'c']);
    expect(await as('acme/bob', () => all(feed))).toEqual(['x #2', 'b', 'c']);
    expect(await as('acme/ann', () => firstValueFrom(get(Feeds).list('x')))).toBe('x #1');
    await expect(all(feed)).rejects.toMatchObject({ code: 'CACHE_SCOPE_MISSING' });
  });

  it('are not stored when they fail, or before they end', async () => {
    const { get, cache } = await start({}, Feeds);
    const feeds = get(Feeds);
    await expect(all(feeds.broken())).rejects.toThrow(RangeError);
    await expect(all(feeds.broken())).rejects.toThrow(RangeError);
    const [one, two] = [all(feeds.live()), all(feeds.live())];
    feeds.subject.next(1);
    expect((await cache.totals()).size).toBe(0);
    feeds.subject.next(2);
    feeds.subject.complete();
    expect([await one, await two, await all(feeds.live())]).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(feeds.next()).toBe('#4');
  });

  it('can come from a getter', async () => {
    const { get } = await start({}, Feeds);
    expect([await all(get(Feeds).current), await all(get(Feeds).current)]).toEqual([['current #1'], ['current #1']]);
  });

  it('pass as they come when the cache has no part in it', async () => {
    const { get } = await start({}, Feeds);
    const off = await start({ enabled: false }, Feeds);
    for (const feed of [get(Feeds).never(), off.get(Feeds).live()]) {
      const seen: number[] = [];
      const subscription = feed.subscribe((value) => seen.push(value));
      get(Feeds).subject.next(1);
      off.get(Feeds).subject.next(1);
      expect(seen).toEqual([1]);
      subscription.unsubscribe();
    }
  });

  it('work with @CachePut and @CacheEvict: the end waits for the removal, an error removes nothing', async () => {
    const { as, get } = await start({}, Feeds);
    const feeds = get(Feeds);
    await as('acme/ann', async () => {
      expect(await all(feeds.put('x'))).toEqual(['x #1', 'put']);
      expect(await all(feeds.list('x'))).toEqual(['x #1', 'put']);
      await expect(all(feeds.dropBadly('x'))).rejects.toThrow('not dropped');
      expect(await all(feeds.list('x'))).toEqual(['x #1', 'put']);
      expect(await all(feeds.drop('x'))).toEqual(['dropped', '#2']);
      expect(await all(feeds.list('x'))).toEqual(['x #3', 'b', 'c']);
      await expect(all(feeds.dropBefore('x'))).rejects.toThrow('dropped before');
      expect(await all(feeds.list('x'))).toEqual(['x #4', 'b', 'c']);
    });
    await expect(all(feeds.drop('x'))).rejects.toMatchObject({ code: 'CACHE_SCOPE_MISSING' });
    expect(feeds.next()).toBe('#5');
  });

  it('that the metadata does not show come as a promise, with one warning', async () => {
    @Injectable()
    class Hidden {
      @Cacheable()
      feed() {
        return of(1, 2);
      }
    }
    const { get, log, cache } = await start({}, Hidden);
    const feed: unknown = get(Hidden).feed();
    expect(feed).toBeInstanceOf(Promise);
    expect(await all((await feed) as Observable<number>)).toEqual([1, 2]);
    await (get(Hidden).feed() as unknown);
    expect(log.of('Cache').filter((line) => line.includes('annotate the return type'))).toHaveLength(1);
    expect((await cache.totals()).size).toBe(0);
  });
});

describe('results that cannot be stored (B9)', () => {
  class Cat {
    constructor(readonly name: string) {}
  }
  const makers: Record<string, () => unknown> = {
    'a stream': () => Readable.from(['x']),
    'a StreamableFile': () => new StreamableFile(Buffer.from('x')),
    'a function': () => () => 1,
    'a symbol': () => Symbol('s'),
    'an instance of a class that is not registered': () => new Cat('Tom'),
    'an async iterator': () => (async function* () {})(),
    'something with a stream in it': () => ({ deep: [{ file: Readable.from(['x']) }] }),
  };

  it.each(Object.keys(makers))('%s is returned as it is, each time anew, with one warning', async (name) => {
    @Injectable()
    class Odd {
      readonly made: unknown[] = [];
      @Cacheable({ ttl: '1m' })
      async get(): Promise<unknown> {
        const made = makers[name]!();
        this.made.push(made);
        return made;
      }
    }
    const { get, log, cache } = await start({}, Odd);
    const results = [
      await get(Odd).get(),
      await get(Odd).get(),
      ...(await Promise.all([get(Odd).get(), get(Odd).get()])),
    ];
    expect(new Set(results)).toEqual(new Set(get(Odd).made));
    expect(results[0]).toBe(get(Odd).made[0]);
    for (const result of results) if (result instanceof Readable) expect(result.readableDidRead).toBe(false);
    expect(log.of('Cache')).toHaveLength(1);
    expect(log.of('Cache')[0]).toMatch(
      /warn Results of Odd\.get \(namespace "Odd\.get"\) are not stored; the caller was answered all the same: value/,
    );
    expect((await cache.totals()).size).toBe(0);
  });

  it('instances of registered classes are stored, as instances', async () => {
    @Injectable()
    class Cats {
      runs = 0;
      @Cacheable()
      async find(name: string): Promise<Cat> {
        this.runs++;
        return new Cat(name);
      }
    }
    const { get } = await start({ codec: { types: [Cat] } }, Cats);
    await get(Cats).find('Tom');
    const cat = await get(Cats).find('Tom');
    expect(cat).toBeInstanceOf(Cat);
    expect([cat.name, get(Cats).runs]).toEqual(['Tom', 1]);
  });

  it('undefined is returned and not stored; null, 0, "" and false are values (B1, B2)', async () => {
    @Injectable()
    class Odd {
      runs = 0;
      @Cacheable()
      async get(which: number): Promise<unknown> {
        this.runs++;
        return [undefined, null, 0, '', false, NaN][which];
      }
    }
    const { get } = await start({}, Odd);
    for (const which of [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]) await get(Odd).get(which);
    expect(get(Odd).runs).toBe(7);
    expect([await get(Odd).get(1), await get(Odd).get(2), await get(Odd).get(3), await get(Odd).get(4)]).toEqual([
      null,
      0,
      '',
      false,
    ]);
  });
});

describe('the method under the decorators', () => {
  it('keeps name, length, metadata and `this`', async () => {
    @Injectable()
    class Cats {
      readonly base = 'base';
      @SetMetadata('above', 1)
      @Cacheable()
      @SetMetadata('below', 2)
      async find(id: string, _page: number, _rest = 1): Promise<string> {
        return `${this.base} ${id}`;
      }
    }
    const { get } = await start({}, Cats);
    const { find } = Cats.prototype;
    expect([find.name, find.length]).toEqual(['find', 2]);
    expect([Reflect.getMetadata('above', find), Reflect.getMetadata('below', find)]).toEqual([1, 2]);
    expect(Reflect.getMetadata('design:paramtypes', Cats.prototype, 'find')).toHaveLength(3);
    expect(await get(Cats).find('a', 1)).toBe('base a');
    expect(Object.getOwnPropertyDescriptor(Cats.prototype, 'find')).toMatchObject({
      writable: true,
      configurable: true,
    });
  });

  it('is shared by callers of one moment, and its error reaches each of them unchanged (B32)', async () => {
    const failures = [new RangeError('one'), Object.freeze(new Error('frozen')), 'a text', null, { code: 7 }];
    @Injectable()
    class Cats {
      runs = 0;
      @Cacheable()
      async find(which: number): Promise<never> {
        this.runs++;
        await Promise.resolve();
        throw failures[which];
      }
      @Cacheable()
      sync(): Promise<never> {
        throw failures[0];
      }
    }
    const { get, cache } = await start({}, Cats);
    const caught = (work: () => Promise<unknown>): Promise<unknown> =>
      work().then(
        () => 'none',
        (error: unknown) => error,
      );
    for (const [which, failure] of failures.entries()) {
      const both = await Promise.all([caught(() => get(Cats).find(which)), caught(() => get(Cats).find(which))]);
      expect(both.every((error) => Object.is(error, failure))).toBe(true);
    }
    expect(get(Cats).runs).toBe(failures.length);
    expect(await caught(() => get(Cats).sync())).toBe(failures[0]);
    expect((await cache.totals()).size).toBe(0);
  });

  it('can be a getter', async () => {
    @Injectable()
    class Rates {
      readonly next = counter();
      @Cacheable({ scope: 'tenant', ttl: '1m', tags: ['rates'] })
      get today(): Promise<string> {
        return Promise.resolve(this.next());
      }
      @CacheEvict({ method: 'today' })
      async forget(): Promise<void> {}
    }
    const { as, get, cache, clock } = await start({}, Rates);
    const rates = get(Rates);
    await as('acme', async () => {
      expect([await rates.today, await rates.today]).toEqual(['#1', '#1']);
      expect(await as('globex', () => rates.today)).toBe('#2');
      await clock.advance(60_000);
      expect(await rates.today).toBe('#3');
      await cache.tenant('acme').invalidateTags(['rates']);
      expect(await rates.today).toBe('#4');
      await rates.forget();
      expect(await rates.today).toBe('#5');
    });
  });

  it('can carry several decorators', async () => {
    @Injectable()
    class Cats {
      readonly next = counter();
      @Cacheable({ namespace: 'list', key: 'all' })
      async list(): Promise<string> {
        return this.next('list');
      }
      @Cacheable()
      async find(id: string): Promise<string> {
        return this.next('find', id);
      }
      @CachePut({ namespace: 'Cats.find', key: (id: string) => [id] })
      @CacheEvict({ namespace: 'list', key: 'all' })
      @CacheEvict({ tags: ['none'] })
      async save(id: string): Promise<string> {
        return this.next('saved', id);
      }
      @Cacheable({ namespace: 'outer' })
      @Cacheable({ namespace: 'inner' })
      async twice(): Promise<string> {
        return this.next('twice');
      }
    }
    const { get, cache } = await start({}, Cats);
    const cats = get(Cats);
    expect([await cats.list(), await cats.find('a')]).toEqual(['list #1', 'find a #2']);
    expect(await cats.save('a')).toBe('saved a #3');
    expect([await cats.find('a'), await cats.list()]).toEqual(['saved a #3', 'list #4']);
    expect([await cats.twice(), await cats.twice()]).toEqual(['twice #5', 'twice #5']);
    expect(await cache.namespace('outer').clear()).toBe(1);
    expect(await cats.twice()).toBe('twice #5');
  });

  it('works on request-scoped and transient providers, each with its own `this`', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Cats {
      readonly id = Math.random();
      @Cacheable()
      async whose(): Promise<number> {
        return this.id;
      }
    }
    const { module } = await start({}, Cats);
    const [one, two] = [await module.resolve(Cats), await module.resolve(Cats)];
    expect(one.id).not.toBe(two.id);
    expect(await two.whose()).toBe(await one.whose());
  });

  it('cannot be static, named by a symbol, or something else than a method', () => {
    const on = (target: object, name: string | symbol, descriptor?: PropertyDescriptor): (() => unknown) => {
      return () => (Cacheable() as MethodDecorator)(target, name, descriptor as never);
    };
    class Odd {
      static make(): void {}
      [Symbol.iterator](): void {}
      field = 1;
    }
    const of_ = (name: symbol): PropertyDescriptor => Object.getOwnPropertyDescriptor(Odd.prototype, name)!;
    expect(on(Odd, 'make', Object.getOwnPropertyDescriptor(Odd, 'make'))).toThrow(/static method make/);
    expect(on(Odd.prototype, Symbol.iterator, of_(Symbol.iterator))).toThrow(/named by a symbol/);
    expect(on(Odd.prototype, 'field')).toThrow(/methods and getters/);
  });

  it('counts into the figures of its scope and namespace', async () => {
    @Injectable()
    class Cats {
      @Cacheable({ scope: 'user' })
      async find(id: string): Promise<string> {
        return id;
      }
    }
    const { as, get, cache } = await start({}, Cats);
    for (const who of ['acme/ann', 'acme/ann', 'acme/bob', 'globex/ann']) await as(who, () => get(Cats).find('a'));
    const figures = ({ hits, misses, sets, size }: CacheStats): unknown[] => [hits, misses, sets, size];
    expect(figures(await cache.for({ tenant: 'acme', user: 'ann' }).stats())).toEqual([1, 1, 1, 1]);
    expect(figures(await cache.tenant('acme').stats())).toEqual([1, 2, 2, 2]);
    expect(figures(await cache.tenant('globex').namespace('Cats.find').stats())).toEqual([0, 1, 1, 1]);
    expect(figures(await cache.tenant('globex').namespace('other').stats())).toEqual([0, 0, 0, 0]);
    expect(figures(await cache.totals())).toEqual([1, 3, 3, 3]);
  });
});

describe('options kept elsewhere', () => {
  it('can be shared by several methods', async () => {
    const shared: CacheableOptions = { ttl: '2m', scope: 'global' };
    @Injectable()
    class Cats {
      @Cacheable(shared)
      async one(): Promise<number> {
        return 1;
      }
      @Cacheable({ ...shared, key: (id: number) => id })
      async two(id: number): Promise<number> {
        return id;
      }
    }
    const { get, events } = await start({}, Cats);
    await get(Cats).one();
    await get(Cats).two(2);
    expect(events.of('fill').map(({ ttlMs }) => ttlMs)).toEqual([120_000, 120_000]);
  });
});
