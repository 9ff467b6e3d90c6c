/** What was returned and runs later runs in the scope that it was made in, and in the load of the caller that walks through it. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { defer, firstValueFrom, from, lastValueFrom, map, Observable, of, range, take, toArray } from 'rxjs';
import { CACHE_CONTEXT, type CacheContext } from '../../../lib/index.js';
import { Query } from '../../support/queries/query.js';
import { closeAll, start, type Started } from './support/start.js';

afterEach(closeAll);

interface House extends Started {
  /** The tenant of the moment. */
  whose(): string;
  /** What `work` returns when it runs for globex, in a request of acme. */
  made<R>(work: () => R): R;
}

async function house(): Promise<House> {
  const started = await start({ scope: { default: 'tenant' } });
  const context = started.module.get<CacheContext>(CACHE_CONTEXT);
  const whose = (): string => context.scope().tenant ?? 'nobody';
  return {
    ...started,
    whose,
    made: (work) => started.cache.runInScope<ReturnType<typeof work>>({ tenant: 'globex' }, work),
  };
}

class Rows {
  readonly #whose: () => string;

  constructor(whose: () => string) {
    this.#whose = whose;
  }

  async *[Symbol.asyncIterator]() {
    yield this.#whose();
  }

  first(): string {
    return this.#whose();
  }
}

class Page {
  constructor(readonly rows: unknown) {}
}

/** As clients of services write them: the iterator comes from a method, which is no generator. */
class Feed {
  constructor(private readonly whose: () => string) {}

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return { next: async () => ({ done: false, value: this.whose() }) };
  }
}

class Results extends Array<unknown> {
  count = 0;
}

async function walk(rows: unknown): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const row of rows as AsyncIterable<unknown>) found.push(row);
  return found;
}

/** How it is made in a scope, and how another caller gets something out of it. */
// oxlint-disable-next-line typescript/no-explicit-any -- each takes what the one beside it makes
type Kind = readonly [string, (whose: () => string) => unknown, (made: any) => unknown];

function* rowsOf(whose: () => string): Generator<string> {
  yield whose();
}

const KINDS: readonly Kind[] = [
  ['a generator', rowsOf, (rows: Iterable<string>) => [...rows][0]],
  ['a generator in an object', (whose) => ({ page: { rows: rowsOf(whose) } }), ({ page }) => [...page.rows][0]],
  ['a generator in a list', (whose) => [1, rowsOf(whose)], ([, rows]) => [...rows][0]],
  ['a generator in a thing of a class', (whose) => new Page(rowsOf(whose)), ({ rows }) => [...rows][0]],
  ['an iterable of a class', (whose) => new Rows(whose), async (rows) => (await walk(rows))[0]],
  ['its other methods', (whose) => new Rows(whose), (rows: Rows) => rows.first()],
  [
    'an iterable written by hand',
    (whose) => ({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: whose() }) }) }),
    (rows: Iterable<string>) => rows[Symbol.iterator]().next().value,
  ],
  [
    'an iterator that nobody may change',
    (whose) => Object.freeze(rowsOf(whose)),
    (rows: Iterator<string>) => rows.next().value,
  ],
  [
    'an iterable that nobody may change',
    (whose) => Object.freeze({ [Symbol.iterator]: () => rowsOf(whose) }),
    (rows: Iterable<string>) => [...rows][0],
  ],
  [
    'an asynchronous iterable whose iterator comes from a method',
    (whose) => new Feed(whose),
    async (rows) => (await rows[Symbol.asyncIterator]().next()).value as unknown,
  ],
  [
    'a query that nobody may change',
    // oxlint-disable-next-line unicorn/no-thenable -- a query is what this is about
    (whose) => [Object.freeze({ then: (take: (row: string) => void) => take(whose()) })],
    async ([query]) => query,
  ],
  ['a query in a thing of a class', (whose) => new Page(new Query(whose)), async ({ rows }) => rows],
  ['a query in a Map', (whose) => new Map([['cats', new Query(whose)]]), async (queries) => queries.get('cats')],
  [
    'a query beside a getter that throws',
    (whose) => ({
      get broken(): never {
        throw new Error('not now');
      },
      cats: new Query(whose),
    }),
    async ({ cats }) => cats,
  ],
  ['a query in an object', (whose) => ({ cats: new Query(whose) }), async ({ cats }) => cats],
  ['queries in a list', (whose) => [new Query(whose)], async (queries) => (await Promise.all(queries as unknown[]))[0]],
  [
    'queries that a generator hands out',
    function* (whose) {
      yield new Query(whose);
    },
    async (queries) => [...queries][0] as unknown,
  ],
  ['an Observable', (whose) => defer(() => of(whose())), (rows) => firstValueFrom(rows)],
  ['one with operators', (whose) => of(1).pipe(map(whose)), (rows) => lastValueFrom(rows)],
  ['one made by hand', (whose) => new Observable((to) => to.next(whose())), (rows) => firstValueFrom(rows)],
  ['one in an object', (whose) => ({ rows: defer(() => from([whose()])) }), ({ rows }) => firstValueFrom(rows)],
];

describe('what was made in a scope runs in it', () => {
  it.each(KINDS)('%s, returned', async (_, make, use) => {
    const { as, made, whose } = await house();
    const rows = made(() => make(whose));
    expect(await as('acme', async () => use(rows))).toBe('globex');
  });

  it.each(KINDS)('%s, promised', async (_, make, use) => {
    const { as, made, whose } = await house();
    const rows = await made(async () => make(whose));
    expect(await as('acme', async () => use(rows))).toBe('globex');
  });

  it.each(KINDS)('%s, from a loader of its tenant, cache on and off', async (_, make, use) => {
    for (const enabled of [true, false]) {
      const { module, cache, as } = await start({ enabled, scope: { default: 'tenant' } });
      const whose = (): string => module.get<CacheContext>(CACHE_CONTEXT).scope().tenant ?? 'nobody';
      const load = (): Promise<unknown> => cache.tenant('globex').getOrSet('rows', () => make(whose));
      expect(await as('acme', async () => use(await load()))).toBe('globex');
    }
  });

  it.each(KINDS)('%s, walked through inside a loader for everybody: it is not stored', async (_, make, use) => {
    const { made, cache, events } = await house();
    const reads = (): string => {
      cache.get('what globex has').catch(() => undefined);
      return 'row';
    };
    const rows = made(() => make(reads));
    await cache.global().getOrSet('all', async () => use(rows));
    expect(events.of('refused').map(({ reason }) => reason)).toEqual(['tainted']);
  });
});

describe('who takes what it brings goes on as before', () => {
  it('with the values of an Observable', async () => {
    const { as, made, whose } = await house();
    const rows = made(() => defer(() => from([whose(), whose()])));
    const seen: string[] = [];
    await as('acme', () => lastValueFrom(rows.pipe(map((row) => seen.push(`${row} to ${whose()}`)))));
    expect(seen).toEqual(['globex to acme', 'globex to acme']);
  });

  it('with the end of an Observable', async () => {
    const { as, made, whose } = await house();
    const ends: string[] = [];
    const end = (): unknown => ends.push(whose());
    as('acme', () => made(() => of(1)).subscribe({ complete: end }));
    as('acme', () =>
      made(
        () =>
          new Observable(() => {
            throw new Error('no such table');
          }),
      ).subscribe({ error: end }),
    );
    expect(ends).toEqual(['acme', 'acme']);
  });

  it('with what a query brings', async () => {
    const { as, made, whose } = await house();
    const { cats } = made(() => ({ cats: new Query(whose) }));
    const seen = await as('acme', () => cats.then((row) => `${row} to ${whose()}`));
    expect(seen).toBe('globex to acme');
  });
});

describe('and changes nothing else', () => {
  it('an Observable that never waits stops when nobody listens any more', async () => {
    const { made } = await house();
    const seen: number[] = [];
    const endless = made(() => range(0, Infinity).pipe(map((n) => seen.push(n))));
    expect(await lastValueFrom(endless.pipe(take(3), toArray()))).toEqual([1, 2, 3]);
    expect(seen).toHaveLength(3);
  });

  it('an Observable is left when its subscriber leaves', async () => {
    const { made } = await house();
    let isLeft = false;
    const subscription = made(() => new Observable(() => () => (isLeft = true))).subscribe();
    subscription.unsubscribe();
    expect(isLeft).toBe(true);
  });

  it('a query that many share is not bound to the first scope that handed it out', async () => {
    const { as, made, whose } = await house();
    const shared = new Query(whose);
    const { query } = made(() => ({ query: shared }));
    expect(await as('acme', async () => [await query, await shared])).toEqual(['globex', 'acme']);
  });

  it('a list or an object with a query in it is left as it is: its owner may have it still', async () => {
    const { made, whose } = await house();
    const query = new Query(whose);
    const list = [query];
    expect(made(() => list)[0]).not.toBe(query);
    expect(list[0]).toBe(query);
  });

  it('what has to be copied stays of its class, with getters that nobody has run', async () => {
    const { made } = await house();
    let looks = 0;
    const result = { rows: Results.from([new Query(() => 1)]) as Results, looks: 0 };
    result.rows.count = 7;
    Object.defineProperty(result, 'looks', { enumerable: true, get: () => ++looks });
    const { rows, ...rest } = made(() => result);
    expect([rows instanceof Results, rows.count, rows.length, rows[0] === result.rows[0]]).toEqual([true, 7, 1, false]);
    expect([looks, rest.looks]).toEqual([1, 1]);
  });

  it('what is written to an iterable of a class is written to the thing itself, by its own setters', async () => {
    const { made } = await house();
    class Numbers {
      #first = 1;
      get first(): number {
        return this.#first;
      }
      set first(first: number) {
        this.#first = first;
      }
      *[Symbol.iterator]() {
        yield this.#first;
      }
    }
    const numbers = new Numbers();
    made(() => numbers).first = 5;
    expect([...numbers, numbers.first]).toEqual([5, 5]);
  });

  it('an iterator that is handed out again and again is bound once', async () => {
    const { made } = await house();
    const page = new Page([1, 2].values());
    for (let times = 0; times < 20_000; times++) made(() => page);
    expect((page.rows as Iterator<number>).next()).toEqual({ done: false, value: 1 });
  });

  it('a large table is not read through', async () => {
    const { made } = await house();
    let looks = 0;
    const counted = new Proxy(Array.from({ length: 100_000 }, (_, at) => at) as readonly number[], {
      getOwnPropertyDescriptor: (target, name) => {
        looks++;
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
      ownKeys: () => {
        throw new Error('all of them?');
      },
    });
    expect(made(() => counted)).toBe(counted);
    expect(looks).toBeGreaterThan(1_000);
    expect(looks).toBeLessThan(5_000);
  });

  it('data come back as the very same thing, also large and circular ones', async () => {
    const { made } = await house();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (const data of [circular, Array.from({ length: 10_000 }, () => ({ a: [1] })), Buffer.alloc(1_000), new Map()])
      expect(made(() => data)).toBe(data);
  });

  it('runs no getter, and what does not let itself be looked at comes back as it is', async () => {
    const { made } = await house();
    const hostile = new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('do not look');
        },
      },
    );
    let looks = 0;
    const lazy = Object.defineProperty({}, 'rows', { enumerable: true, get: () => ++looks });
    expect(made(() => lazy)).toBe(lazy);
    expect(looks).toBe(0);
    expect(made(() => ({ hostile })).hostile).toBe(hostile);
  });
});
