import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Cacheable,
  CacheConfig,
  CacheConfigError,
  CacheEvict,
  type CacheEvictOptions,
  CacheScope,
  InvalidationUnknownError,
  memory,
} from '../../../../lib/index.js';
import { chaos } from '../../../../lib/testing.js';
import { closeAll, counter, start } from '../support/start.js';

afterEach(closeAll);

interface Cat {
  readonly id: string;
  readonly owner: string;
}

@Injectable()
@CacheScope('tenant')
class Cats {
  readonly next = counter();
  readonly saved: string[] = [];

  @Cacheable({ tags: (id: string) => [`cat:${id}`, 'cats'] })
  async find(id: string): Promise<string> {
    return this.next(id);
  }
  @Cacheable({ namespace: 'lists', key: (page: number) => ['list', page], tags: ['cats'] })
  async list(page: number): Promise<string> {
    return this.next('list', page);
  }
  @CacheScope('user')
  @Cacheable()
  async mine(id: string): Promise<string> {
    return this.next('mine', id);
  }
  @Cacheable({ context: (_id: string, tenant: string) => ({ tenant }) })
  async foreign(id: string, tenant: string): Promise<string> {
    return this.next('foreign', id, tenant);
  }
  @Cacheable({ ignoreArgs: ['options'] })
  async search(text: string, ...options: string[]): Promise<string> {
    return this.next(text, options.length);
  }

  @CacheEvict({ method: 'find', args: (cat: Cat) => [cat.id] })
  async save(cat: Cat): Promise<string> {
    if (cat.owner === 'nobody') throw new RangeError('nobody owns it');
    this.saved.push(cat.id);
    return cat.id;
  }
  @CacheEvict({ method: 'find' })
  async rename(id: string, _name: string): Promise<void> {
    this.saved.push(id);
  }
  @CacheEvict({ method: 'find', args: (cat: Cat) => [cat.id], before: true })
  async saveLate(cat: Cat): Promise<string> {
    return this.save(cat);
  }
  @CacheEvict({ namespace: 'lists', key: (page: number) => ['list', page] })
  async dropPage(_page: number): Promise<void> {}
  @CacheEvict({ namespace: 'lists', keys: (...pages: number[]) => pages.map((page) => ['list', page]) })
  async dropPages(..._pages: number[]): Promise<void> {}
  @CacheEvict({ namespace: 'lists', keys: [['list', 1]], key: ['list', 2] })
  async dropFirstTwo(): Promise<void> {}
  @CacheEvict({ namespace: 'lists', pattern: 'list:1*' })
  async dropPattern(): Promise<void> {}
  @CacheEvict({ namespace: 'Cats.find', pattern: (id: string) => `${id}*` })
  async dropLike(_id: string): Promise<void> {}
  @CacheEvict({ tags: ['cats'] })
  async dropTag(): Promise<void> {}
  @CacheEvict({ tags: (id: string) => [`cat:${id}`] })
  async dropTagged(_id: string): Promise<void> {}
  @CacheEvict({ namespace: 'lists', allEntries: true })
  async dropLists(): Promise<void> {}
  @CacheEvict({ method: 'mine', allEntries: true })
  async dropMine(): Promise<void> {}
  @CacheEvict({ method: 'mine', allEntries: true, scope: 'tenant' })
  async dropEverybodys(): Promise<void> {}
  @CacheEvict({ method: 'mine' })
  async dropOneOfMine(_id: string): Promise<void> {}
  @CacheEvict({ method: 'foreign' })
  async dropForeign(_id: string, _tenant: string): Promise<void> {}
  @CacheEvict({ method: 'find', context: (_id: string, tenant: string) => ({ tenant }) })
  async dropOf(_id: string, _tenant: string): Promise<void> {}
  @CacheEvict({ method: 'search', args: (text: string) => [text] })
  async dropSearch(_text: string): Promise<void> {}
}

describe('what goes', () => {
  /** What a removal takes away, for the one who removes and for another tenant. */
  async function gone(remove: (cats: Cats) => Promise<unknown>): Promise<string[]> {
    const { as, get } = await start({}, Cats);
    const cats = get(Cats);
    const reads: Record<string, () => Promise<string>> = {
      'find a': () => cats.find('a'),
      'find ab': () => cats.find('ab'),
      'list 1': () => cats.list(1),
      'list 2': () => cats.list(2),
      'list 11': () => cats.list(11),
      'mine a': () => cats.mine('a'),
      'mine b': () => cats.mine('b'),
      'search x': () => cats.search('x'),
    };
    const everybody = ['acme/ann', 'acme/bob', 'globex/ann'];
    const look = async (): Promise<Map<string, string>> => {
      const seen = new Map<string, string>();
      for (const who of everybody)
        for (const [name, read] of Object.entries(reads)) seen.set(`${who} ${name}`, await as(who, read));
      return seen;
    };
    const before = await look();
    await as('acme/ann', () => remove(cats));
    const after = await look();
    const lost = [...before].filter(([name, value]) => after.get(name) !== value).map(([name]) => name);
    expect(lost.filter((name) => name.startsWith('globex'))).toEqual([]);
    // What a tenant shares is gone for all of its users, so it is named once.
    return lost.filter((name) => !name.startsWith('acme/bob') || name.includes('mine')).map((name) => name.slice(5));
  }

  const cases: readonly (readonly [string, (cats: Cats) => Promise<unknown>, string[]])[] = [
    ['the entry of a method, by args', (cats) => cats.save({ id: 'a', owner: 'ann' }), ['ann find a']],
    [
      'the entry of a method, by as many of the own arguments as it takes',
      (cats) => cats.rename('a', 'Tom'),
      ['ann find a'],
    ],
    ['before the method', (cats) => cats.saveLate({ id: 'ab', owner: 'ann' }), ['ann find ab']],
    ['a key', (cats) => cats.dropPage(2), ['ann list 2']],
    ['keys', (cats) => cats.dropPages(1, 11, 12), ['ann list 1', 'ann list 11']],
    ['no keys at all', (cats) => cats.dropPages(), []],
    ['fixed keys', (cats) => cats.dropFirstTwo(), ['ann list 1', 'ann list 2']],
    ['a pattern', (cats) => cats.dropPattern(), ['ann list 1', 'ann list 11']],
    ['a pattern of the arguments', (cats) => cats.dropLike('a'), ['ann find a', 'ann find ab']],
    ['a tag', (cats) => cats.dropTag(), ['ann find a', 'ann find ab', 'ann list 1', 'ann list 2', 'ann list 11']],
    ['a tag of the arguments', (cats) => cats.dropTagged('ab'), ['ann find ab']],
    ['all entries of a namespace', (cats) => cats.dropLists(), ['ann list 1', 'ann list 2', 'ann list 11']],
    ['all entries of a method, of the own width', (cats) => cats.dropMine(), ['ann mine a', 'ann mine b']],
    [
      'all entries of a method, of everybody in the tenant',
      (cats) => cats.dropEverybodys(),
      ['ann mine a', 'ann mine b', 'bob mine a', 'bob mine b'],
    ],
    ['one entry of the width of its method', (cats) => cats.dropOneOfMine('b'), ['ann mine b']],
    ['an entry whose other arguments are ignored', (cats) => cats.dropSearch('x'), ['ann search x']],
  ];
  it.each(cases)('is %s', async (_, remove, expected) => {
    expect(await gone(remove)).toEqual(expected);
  });

  it('is for whom the evicted method says, or whom `context` says', async () => {
    const { as, get } = await start({}, Cats);
    const cats = get(Cats);
    const [acme, globex] = [await cats.foreign('a', 'acme'), await cats.foreign('a', 'globex')];
    await as('initech', () => cats.dropForeign('a', 'acme'));
    expect(await cats.foreign('a', 'acme')).not.toBe(acme);
    expect(await cats.foreign('a', 'globex')).toBe(globex);
    const found = await as('acme', () => cats.find('a'));
    await as('globex', () => cats.dropOf('a', 'acme'));
    expect(await as('acme', () => cats.find('a'))).not.toBe(found);
  });

  it('needs no tags of what goes', async () => {
    @Injectable()
    class Owned {
      readonly next = counter();
      @Cacheable({ scope: 'global', ignoreArgs: [1], tags: (_id: string, owner: { name: string }) => [owner.name] })
      async find(id: string, _owner: { name: string }): Promise<string> {
        return this.next(id);
      }
      @CacheEvict({ method: 'find', args: (id: string) => [id, undefined as never] })
      async forget(_id: string): Promise<void> {}
    }
    const { get } = await start({}, Owned);
    const ann = { name: 'ann' };
    expect(await get(Owned).find('a', ann)).toBe('a #1');
    await get(Owned).forget('a');
    expect(await get(Owned).find('a', ann)).toBe('a #2');
  });

  it('reaches across versions and to the methods of the object’s own class', async () => {
    @Injectable()
    @CacheConfig({ namespace: 'cats', scope: 'global' })
    class Versioned {
      readonly next = counter();
      @Cacheable({ version: 2 })
      async find(id: string): Promise<string> {
        return this.next(id);
      }
      @Cacheable({ version: 'x.3', key: (id: string) => id })
      async byKey(id: string): Promise<string> {
        return this.next(id);
      }
      @CacheEvict({ method: 'find' })
      async forget(_id: string): Promise<void> {}
      @CacheEvict({ key: (id: string) => id })
      async forgetKey(_id: string): Promise<void> {}
    }
    const { get } = await start({}, Versioned);
    const it_ = get(Versioned);
    expect([await it_.find('a'), await it_.byKey('a')]).toEqual(['a #1', 'a #2']);
    await it_.forget('a');
    expect([await it_.find('a'), await it_.byKey('a')]).toEqual(['a #3', 'a #2']);
    await it_.forgetKey('a');
    expect([await it_.find('a'), await it_.byKey('a')]).toEqual(['a #3', 'a #4']);
  });
});

describe('when it goes', () => {
  it('is after the method succeeded, and not when it failed', async () => {
    const { as, get } = await start({}, Cats);
    const cats = get(Cats);
    await as('acme', async () => {
      const found = await cats.find('a');
      await expect(cats.save({ id: 'a', owner: 'nobody' })).rejects.toThrow(RangeError);
      expect(await cats.find('a')).toBe(found);
      expect(await cats.save({ id: 'a', owner: 'ann' })).toBe('a');
      expect(await cats.find('a')).not.toBe(found);
    });
  });

  it('is before the method with `before`, also when it fails', async () => {
    const { as, get } = await start({}, Cats);
    const cats = get(Cats);
    await as('acme', async () => {
      const found = await cats.find('a');
      await expect(cats.saveLate({ id: 'a', owner: 'nobody' })).rejects.toThrow(RangeError);
      expect(await cats.find('a')).not.toBe(found);
    });
  });

  it('is settled by the arguments as they came, whatever the method does to them', async () => {
    @Injectable()
    class Editing {
      readonly next = counter();
      @Cacheable({ scope: 'global' })
      async find(id: string): Promise<string> {
        return this.next(id);
      }
      @CacheEvict({ method: 'find', args: (cat: { id: string }) => [cat.id] })
      async save(cat: { id: string }): Promise<void> {
        cat.id = 'changed';
      }
    }
    const { get } = await start({}, Editing);
    await get(Editing).find('a');
    await get(Editing).save({ id: 'a' });
    expect(await get(Editing).find('a')).toBe('a #2');
  });

  it('voids a load that is under way', async () => {
    @Injectable()
    class Slow {
      readonly next = counter();
      open = (): void => undefined;
      @Cacheable({ scope: 'global' })
      async find(id: string): Promise<string> {
        const made = this.next(id);
        await new Promise<void>((resolve) => (this.open = resolve));
        return made;
      }
      @CacheEvict({ method: 'find' })
      async change(_id: string): Promise<void> {}
    }
    const { get } = await start({}, Slow);
    const slow = get(Slow);
    const old = slow.find('a');
    await slow.change('a');
    slow.open();
    expect(await old).toBe('a #1');
    const fresh = slow.find('a');
    slow.open();
    expect(await fresh).toBe('a #2');
  });

  it('never is without a scope: the call fails before the method runs, also with bypass', async () => {
    for (const onMissing of ['throw', 'bypass'] as const) {
      const { as, get } = await start({ scope: { onMissing } }, Cats);
      const cats = get(Cats);
      const calls = [
        (): Promise<unknown> => cats.save({ id: 'a', owner: 'ann' }),
        (): Promise<unknown> => cats.dropTag(),
        (): Promise<unknown> => cats.dropLists(),
        (): Promise<unknown> => cats.dropPattern(),
        (): Promise<unknown> => as('acme', () => cats.dropOneOfMine('a')),
        (): Promise<unknown> => as('/ann', () => cats.dropMine()),
        (): Promise<unknown> => cats.dropOf('a', ''),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'CACHE_SCOPE_MISSING' });
      expect(cats.saved).toEqual([]);
    }
  });
});

describe('a removal that cannot be confirmed', () => {
  @Injectable()
  class Many {
    readonly saved: string[] = [];
    @Cacheable({ scope: 'global', tags: ['t'] })
    async find(id: string): Promise<string> {
      return id;
    }
    @CacheEvict({ method: 'find', tags: ['t'], scope: 'global' })
    async loud(id: string): Promise<string> {
      this.saved.push(id);
      return id;
    }
    @CacheEvict({ method: 'find', tags: ['t'], scope: 'global', failSilently: true })
    async silent(id: string): Promise<string> {
      this.saved.push(id);
      return id;
    }
    @CacheEvict({ method: 'find', before: true })
    async before(id: string): Promise<string> {
      this.saved.push(id);
      return id;
    }
  }

  it('is loud, after the method has run, and after all the others were tried', async () => {
    const backend = chaos(memory());
    const { get, events } = await start({ backend }, Many);
    const many = get(Many);
    backend.failNext('evict');
    const failure = await many.loud('a').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InvalidationUnknownError);
    expect(many.saved).toEqual(['a']);
    expect([backend.calls('evict'), backend.calls('invalidate')]).toEqual([1, 1]);
    expect(events.of('invalidate')).toHaveLength(1);
    backend.failNext('invalidate');
    await expect(many.loud('a')).rejects.toThrow(InvalidationUnknownError);
    expect(events.of('evict')).toHaveLength(1);
    backend.dropNext('evict');
    await expect(many.loud('a')).rejects.toMatchObject({ code: 'CACHE_INVALIDATION_UNKNOWN' });
    expect(await many.loud('a')).toBe('a');
  });

  it('keeps the method from running with `before`', async () => {
    const backend = chaos(memory());
    const { get } = await start({ backend }, Many);
    backend.failNext('evict');
    await expect(get(Many).before('a')).rejects.toThrow(InvalidationUnknownError);
    expect(get(Many).saved).toEqual([]);
  });

  it('is only told with failSilently', async () => {
    const backend = chaos(memory());
    const { get, events, log } = await start({ backend }, Many);
    backend.break();
    expect(await get(Many).silent('a')).toBe('a');
    expect(
      events
        .of('error')
        .map(({ operation }) => operation)
        .sort(),
    ).toEqual(['evict', 'invalidateTags']);
    expect(log.of('Cache').length).toBeGreaterThan(0);
  });
});

describe('options that cannot work', () => {
  /** Decorates a method without the types' help. */
  function classWith(options: CacheEvictOptions): new () => object {
    @Injectable()
    class Tried {
      @Cacheable({ scope: 'user' })
      async own(_id: string): Promise<string> {
        return 'own';
      }
      @Cacheable({ context: (tenant: string) => ({ tenant }), scope: 'tenant' })
      async said(_tenant: string): Promise<string> {
        return 'said';
      }
      async plain(): Promise<void> {}
      async change(_id: string): Promise<void> {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Tried.prototype, 'change')!;
    const decorated = (CacheEvict(options) as MethodDecorator)(Tried.prototype, 'change', descriptor);
    Object.defineProperty(Tried.prototype, 'change', decorated as PropertyDescriptor);
    return Tried;
  }

  it.each<readonly [string, unknown, RegExp]>([
    ['nothing that goes', {}, /must say what goes/],
    ['nothing that goes, though a namespace', { namespace: 'x' }, /must say what goes/],
    ['allEntries: false', { namespace: 'x', allEntries: false }, /must say what goes/],
    ['args without a method', { tags: ['x'], args: () => [] }, /needs `method`/],
    ['args that are no function', { method: 'own', args: ['a'] }, /must be a function/],
    ['an unknown option', { tag: 'x' }, /change\.tag: is not an option/],
    ['before as a text', { tags: ['x'], before: 'yes' }, /change\.before/],
    ['allEntries as a text', { namespace: 'x', allEntries: 'yes' }, /change\.allEntries/],
    ['a namespace that is none', { namespace: '', allEntries: true }, /namespace/],
    ['an empty tag', { tags: [''] }, /Tags/],
  ])('are refused when the class is defined: %s', (_, options, message) => {
    expect(() => classWith(options as CacheEvictOptions)).toThrow(message);
  });

  it.each<readonly [string, CacheEvictOptions, RegExp]>([
    ['a method that is not there', { method: 'nope' }, /change\.method: "nope" is not a @Cacheable method/],
    ['a method that is not cached', { method: 'plain' }, /"plain" is not a @Cacheable method/],
    ['a key without a namespace', { key: 'x' }, /change\.namespace: is needed/],
    ['allEntries without a namespace', { allEntries: true }, /change\.namespace: is needed/],
    ['another width than that of the entry', { method: 'own', scope: 'tenant' }, /kept for "user"/],
    [
      'all entries of a method that says for whom by its arguments',
      { method: 'said', allEntries: true },
      /change\.context: is needed/,
    ],
  ])('are refused when the application starts: %s', async (_, options, message) => {
    const failure = await start({}, classWith(options)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CacheConfigError);
    expect((failure as Error).message).toMatch(message);
  });

  it('patterns need readable keys', async () => {
    @Injectable()
    class Hashed {
      @CacheEvict({ namespace: 'x', pattern: '*', scope: 'global' })
      async drop(): Promise<void> {}
    }
    const { get } = await start({ keys: { hashSecret: 'a secret of enough bytes' } }, Hashed);
    await expect(get(Hashed).drop()).rejects.toMatchObject({ code: 'CACHE_PATTERN_UNSUPPORTED' });
  });
});
