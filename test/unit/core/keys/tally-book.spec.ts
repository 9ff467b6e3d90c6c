import { describe, expect, it } from '@jest/globals';
import { Tally } from '../../../../lib/core/keys/tally.js';
import { TallyBook } from '../../../../lib/core/keys/tally-book.js';
import type { Partition } from '../../../../lib/core/keys/partition.js';

function rowOf(tenant: string, user: string | undefined, namespace: string): Parameters<TallyBook['row']>[0] {
  const partition = `t.${tenant}` as Partition;
  const path = user === undefined ? partition : `u.${tenant}.${user}`;
  return { name: `${path}/${namespace}`, partition, path, namespace };
}

describe('the counters of spaces', () => {
  it('are one row for one name', () => {
    const book = new TallyBook();
    expect(book.row(rowOf('acme', 'bob', 'cats'))).toBe(book.row(rowOf('acme', 'bob', 'cats')));
    expect(book.row(rowOf('acme', 'bob', 'cats'))).not.toBe(book.row(rowOf('globex', 'bob', 'cats')));
  });

  it('add up over a view, and over nothing outside of it', () => {
    const book = new TallyBook();
    book.row(rowOf('acme', undefined, 'cats')).hits += 1;
    book.row(rowOf('acme', 'bob', 'cats')).hits += 10;
    book.row(rowOf('acme', 'bob', 'dogs')).hits += 100;
    book.row(rowOf('acme', 'eve', 'cats')).hits += 1_000;
    book.row(rowOf('globex', 'bob', 'cats')).hits += 10_000;
    book.unscoped.hits += 100_000;
    const hits = (tenant: string, path?: string, namespace?: string): number =>
      book.sum({ partition: `t.${tenant}` as Partition, path, namespace }).hits;
    expect(hits('acme')).toBe(1_111);
    expect(hits('acme', 'u.acme.bob')).toBe(110);
    expect(hits('acme', 'u.acme.bob', 'cats')).toBe(10);
    expect(hits('acme', undefined, 'cats')).toBe(1_011);
    expect(hits('globex')).toBe(10_000);
    expect(hits('initech')).toBe(0);
    expect(book.sum().hits).toBe(111_111);
  });

  it('add up every counter', () => {
    const book = new TallyBook();
    const names = Object.keys(new Tally()) as (keyof Tally)[];
    expect(names).toEqual([
      'hits',
      'misses',
      'coalesced',
      'stale',
      'bypasses',
      'sets',
      'evictions',
      'displaced',
      'refused',
      'errors',
    ]);
    const numbers = Object.fromEntries(names.map((name, index) => [name, 2 ** index]));
    Object.assign(book.row(rowOf('acme', 'bob', 'cats')), numbers);
    expect(book.sum()).toEqual(numbers);
  });

  it('C27: are bounded: a hundred thousand tenants leave twenty thousand rows at most, and no count is lost in the sum', () => {
    const book = new TallyBook();
    for (let index = 0; index < 100_000; index++) book.row(rowOf(`tenant${index}`, undefined, 'cats')).hits += 1;
    expect(book.sum().hits).toBe(100_000);
    expect((book as unknown as { rows: Map<string, unknown> }).rows.size).toBeLessThanOrEqual(20_000);
  });

  it('C21: keep the row of a tenant at work while another makes up rows by the thousand', () => {
    const book = new TallyBook();
    const acme = book.row(rowOf('acme', undefined, 'cats'));
    for (let index = 0; index < 100_000; index++) {
      if (index % 100 === 0) acme.hits += 1;
      book.row(rowOf('flood', `user${index}`, 'cats')).misses += 1;
    }
    expect(book.row(rowOf('acme', undefined, 'cats'))).toBe(acme);
    expect(book.sum({ partition: 't.acme' as Partition, path: undefined, namespace: undefined }).hits).toBe(1_000);
  });

  it('say from when on the figures of a tenant count whose rows had to go, and that some are missing', () => {
    const clock = { now: 1_000_000, nowMs: () => clock.now };
    const book = new TallyBook(clock);
    const viewOf = (tenant: string) => ({
      partition: `t.${tenant}` as Partition,
      path: undefined,
      namespace: undefined,
    });
    book.row(rowOf('acme', undefined, 'cats')).hits += 5;
    const busy = book.row(rowOf('globex', undefined, 'cats'));
    expect(book.span(viewOf('acme'))).toEqual({ sinceMs: 1_000_000, isComplete: true });
    clock.now += 60_000;
    for (let index = 0; index < 20_000; index++) {
      busy.hits++;
      book.row(rowOf('flood', `user${index}`, 'cats')).hits += 9;
    }
    expect(book.sum(viewOf('acme')).hits).toBe(0);
    expect(book.span(viewOf('acme'))).toEqual({ sinceMs: 1_060_000, isComplete: false });
    expect(book.span(viewOf('globex'))).toEqual({ sinceMs: 1_000_000, isComplete: true });
    expect(book.span()).toEqual({ sinceMs: 1_000_000, isComplete: true });
    expect(book.sum().hits).toBe(5 + 20_000 * 10);
  });

  it('find a row to forget also when all of them are at work', () => {
    const book = new TallyBook();
    const rows = Array.from({ length: 20_000 }, (_, index) => book.row(rowOf(`tenant${index}`, undefined, 'cats')));
    for (let round = 0; round < 3; round++) {
      for (const row of rows) row.hits += 1;
      book.row(rowOf(`late${round}`, undefined, 'cats'));
    }
    expect((book as unknown as { rows: Map<string, unknown> }).rows.size).toBeLessThanOrEqual(20_000);
  });
});
