/** Arguments whose declared types are classes of data are keys by their own properties. */
import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cacheable, CacheConfig, CacheEvict, CachePut, KeyInvalidError, memory } from '../../../../lib/index.js';
import { chaos } from '../../../../lib/testing.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

class Range {
  constructor(readonly from: number) {}
}

class Window {
  constructor(readonly from: number) {}
}

/** Has an accessor, which a plain object has not. */
class ListDto {
  page = 1;
  range?: Range | Window;

  get offset(): number {
    return this.page * 10;
  }
}

class DeepListDto extends ListDto {}

/** Data alone. */
class PlainDto {
  page = 1;
  range?: Range;
}

/** All of it optional, and built without definitions of its fields. */
class EmptyDto {
  declare readonly page?: number;

  constructor(given: Partial<EmptyDto> = {}) {
    Object.assign(this, given);
  }

  get offset(): number {
    return (this.page ?? 0) * 10;
  }
}

class Secret {
  readonly #cents: number;

  constructor(cents: number) {
    this.#cents = cents;
  }

  get cents(): number {
    return this.#cents;
  }
}

function list(page: number, range?: Range | Window): ListDto {
  return Object.assign(new ListDto(), { page, ...(range && { range }) });
}

function plain(page: number): PlainDto {
  return Object.assign(new PlainDto(), { page });
}

@Injectable()
class Cats {
  calls = 0;

  @Cacheable()
  async list(query: ListDto): Promise<string> {
    await Promise.resolve();
    return `${query.page} ${query.offset} ${++this.calls}`;
  }

  @Cacheable()
  async plain(query: PlainDto): Promise<string> {
    return `${query.page} ${++this.calls}`;
  }

  @Cacheable()
  async empty(query: EmptyDto): Promise<string> {
    return `${query.offset} ${++this.calls}`;
  }

  @Cacheable({ ignoreArgs: [0] })
  async second(_trace: object, query: ListDto): Promise<string> {
    return `${query.page} ${++this.calls}`;
  }

  @Cacheable()
  async many(queries: ListDto[]): Promise<string> {
    return `${queries.length} ${++this.calls}`;
  }

  @Cacheable()
  async rest(first: string, ...queries: ListDto[]): Promise<string> {
    return `${first} ${queries.length} ${++this.calls}`;
  }

  @Cacheable()
  async tenth(
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    h: number,
    i: number,
    query: ListDto,
  ): Promise<string> {
    return `${[a, b, c, d, e, f, g, h, i].length} ${query.page} ${++this.calls}`;
  }

  @Cacheable({ ignoreArgs: [1] })
  async open(first: unknown, _trace: unknown, query: unknown): Promise<string> {
    return `${typeof first} ${typeof query} ${++this.calls}`;
  }

  @CacheEvict({ method: 'list' })
  async changed(_query: ListDto): Promise<void> {
    await Promise.resolve();
  }

  @CacheEvict({ method: 'plain' })
  async plainChanged(_query: PlainDto): Promise<void> {
    await Promise.resolve();
  }

  @CacheEvict({ namespace: 'lists', key: (query: ListDto) => query as never })
  async gone(_query: ListDto): Promise<void> {
    await Promise.resolve();
  }
}

/** Another name for one class, as two modules of an application have them. */
function twins(): readonly (typeof ListDto)[] {
  return [1, 2].map(() => class Twin extends ListDto {});
}

describe('an argument of a declared class', () => {
  it('is a key by its own properties', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    const first = await cats.list(list(1));
    expect(await cats.list(list(1))).toBe(first);
    expect(await cats.list(list(2))).not.toBe(first);
    const second = await cats.second({ no: 1 }, list(1));
    expect(await cats.second({ no: 2 }, list(1))).toBe(second);
    expect(await cats.second({ no: 2 }, list(2))).not.toBe(second);
  });

  it('has no key in common with a subclass, a plain object, or one whose members are of another class', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    const literal: Readonly<ListDto> = { page: 7, offset: 70 };
    const answers = [
      await cats.list(list(7)),
      await cats.list(Object.assign(new DeepListDto(), { page: 7 })),
      await cats.list({ page: 7 } as ListDto),
      await cats.list(literal),
      await cats.list(list(7, new Range(1))),
      await cats.list(list(7, new Window(1))),
      await cats.list(list(7, { from: 1 })),
    ];
    expect(new Set(answers).size).toBe(answers.length);
    expect(await cats.list(list(7, new Window(1)))).toBe(answers[5]);
  });

  it('is what a plain object with its properties is, where it is data alone, and is evicted by one', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    const first = await cats.plain(plain(1));
    expect(await cats.plain({ page: 1 })).toBe(first);
    await cats.plainChanged({ page: 1 });
    const second = await cats.plain(plain(1));
    expect(second).not.toBe(first);
    await cats.plainChanged(plain(1));
    expect(await cats.plain({ page: 1 })).not.toBe(second);
    class Deep extends PlainDto {}
    expect(await cats.plain(Object.assign(new Deep(), { page: 1 }))).not.toBe(await cats.plain(plain(1)));
  });

  it('may be empty', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    const first = await cats.empty(new EmptyDto());
    expect(await cats.empty(new EmptyDto({}))).toBe(first);
    expect(await cats.empty(new EmptyDto({ page: 0 }))).not.toBe(first);
  });

  it('may be a list of them, one of the rest, or in a place behind the first eight', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    const asks: ((page: number) => Promise<string>)[] = [
      (page) => cats.many([list(1), list(page)]),
      (page) => cats.rest('a', list(1), list(page)),
      (page) => cats.tenth(1, 2, 3, 4, 5, 6, 7, 8, 9, list(page)),
    ];
    for (const ask of asks) {
      const first = await ask(1);
      expect(await ask(1)).toBe(first);
      expect(await ask(2)).not.toBe(first);
    }
  });

  it('is a key of puts and removals, and where a namespace is shared by objects that are told apart', async () => {
    @Injectable()
    @CacheConfig({ namespace: 'lists', instances: (lists: Lists) => lists.name })
    class Lists {
      readonly name = 'one';
      calls = 0;
      @Cacheable()
      async list(query: ListDto): Promise<string> {
        return `${query.page} ${++this.calls}`;
      }
      @CachePut()
      async put(query: ListDto): Promise<string> {
        return `${query.page} put ${++this.calls}`;
      }
      @CacheEvict({ method: 'list' })
      async changed(_query: ListDto): Promise<void> {
        await Promise.resolve();
      }
    }
    const { get, cache } = await start({}, Lists, Cats);
    const lists = get(Lists);
    const first = await lists.list(list(1));
    expect(await lists.list(list(1))).toBe(first);
    await lists.changed(list(2));
    expect(await lists.list(list(1))).toBe(first);
    await lists.changed(list(1));
    expect(await lists.list(list(1))).not.toBe(first);
    const size = (await cache.totals()).size ?? 0;
    await lists.put(list(1));
    await lists.put(list(1));
    expect((await cache.totals()).size).toBe(size + 1);
    const hidden = list(1, new Secret(1) as unknown as Range);
    await expect(lists.list(hidden)).rejects.toThrow(
      /^Lists\.list \(namespace lists\): argument 0\.range is an instance of Secret, which has/,
    );
  });

  it('is a copy for a method that runs later: what its caller changes meanwhile is not in the key', async () => {
    const cats = (await start({ backend: chaos(memory()) }, Cats)).get(Cats);
    const query = list(1, new Range(1));
    const first = cats.list(query);
    query.page = 2;
    expect(await first).toBe('1 10 1');
    expect(await cats.list(list(1, new Range(1)))).toBe('1 10 1');
  });

  it('is what its registration says, where it has one', async () => {
    const toKey = (query: ListDto): number => query.page % 2;
    const toJSON = (query: ListDto): object => ({ ...query });
    const types = [{ type: ListDto, toKey, toJSON, fromJSON: (json: unknown) => list((json as ListDto).page) }];
    const cats = (await start({ codec: { types } }, Cats)).get(Cats);
    expect(await cats.list(list(1))).toBe(await cats.list(list(3)));
  });
});

describe('an argument that is refused', () => {
  it('is one of a second class of a name: both could share a key', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    const [One, Other] = twins();
    await cats.list(new One!());
    await cats.list(new One!());
    await expect(cats.list(new Other!())).rejects.toThrow(
      'Cats.list: argument 0 is an instance of a class that its name does not tell from others',
    );
  });

  it('is one with private state inside, of no declared type, of a list in a list', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    const hidden = list(1, new Secret(1) as unknown as Range);
    await expect(cats.list(hidden)).rejects.toThrow(
      /^Cats\.list: argument 0\.range is an instance of Secret, which has, or extends a class that has, private/,
    );
    await expect(cats.many([hidden])).rejects.toThrow(/^Cats\.many: argument 0\[0\]\.range is an instance of Secret/);
  });

  it('is named by method, position among all arguments, and class', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    await expect(cats.open(list(1), 0, 1)).rejects.toThrow(
      /^Cats\.open: argument 0 is an instance of a class that is not registered \(ListDto\), .*`ignoreArgs`, declare it with its class/,
    );
    await expect(cats.open(1, 0, list(1))).rejects.toThrow(/^Cats\.open: argument 2 is an instance .* \(ListDto\)/);
    await expect(cats.open(1, 0, new Error('secret'))).rejects.toThrow(/^Cats\.open: argument 2 .* \(Error\), or/);
    await expect(cats.open(1, 0, () => 1)).rejects.toThrow(/^Cats\.open: argument 2 is a function/);
    await expect(cats.changed((() => 1) as never)).rejects.toThrow(
      /^Cats\.changed evicts Cats\.list: argument 0 is a function/,
    );
    await expect(cats.gone(list(1))).rejects.toThrow(/^Cats\.gone: key part 0 is an instance .* \(ListDto\)/);
  });

  it('is refused where it was passed: its stack begins with the caller, as far as it is ours to say', async () => {
    const cats = (await start({}, Cats)).get(Cats);
    const aCallerOfMine = (): Promise<string> => cats.open(list(1), 0, 1);
    const error: unknown = await aCallerOfMine().catch((it: unknown) => it);
    expect(error).toBeInstanceOf(KeyInvalidError);
    expect((error as KeyInvalidError).where).toBe('Cats.open: argument 0');
    expect((error as Error).stack).toContain('aCallerOfMine');
  });
});
