/** What a hit is judged by, where the moment matters: what the hash says comes after what the string said. */
import { describe, expect, it } from '@jest/globals';
import type { RedisConnection } from '../../../../lib/backends/redis/connection/connection.js';
import type { RedisPool } from '../../../../lib/backends/redis/connection/pool.js';
import { RedisReader } from '../../../../lib/backends/redis/reader.js';
import { Shard } from '../../../../lib/backends/redis/shards.js';
import type { StateWatch } from '../../../../lib/backends/redis/state-watch.js';
import type { EntryOpener, ServerEntry } from '../../../../lib/backends/remote/stored-entry.js';
import type { Awaitable } from '../../../../lib/core/async/awaitable.js';
import type { Key } from '../../../../lib/core/keys/key.js';
import { survives } from '../../../../lib/core/stamp.js';

const LIFE = 'abcdefghijklmnop';
const OTHER = 'ponmlkjihgfedcba';
const KEY = { id: 'a' } as Key;

/** A state string, with what it lists, by default nothing: `[stamp, label]`. */
function text(
  life: string,
  minimum: number,
  bulk: number,
  since = bulk,
  list: readonly [number, string][] = [],
): string {
  const wide = (stamp: number): string => `${String(stamp).padStart(16, '0')}|`;
  return `2|${life}|${minimum}|${wide(bulk)}${wide(since)}${list.map(([stamp, label]) => `${wide(stamp)}${label}|`).join('')}`;
}

type Fields = readonly (string | null)[];

interface Stage {
  /** What the string says; null: there is none. */
  said: string | null;
  entry: Awaitable<Pick<ServerEntry, 'generation' | 'stamp' | 'labels'>>;
  /** What the hash says to each question, with the labels that it was asked for. */
  hash: (labels: readonly string[]) => Promise<Fields>;
}

describe('the reader of Redis', () => {
  const shard = new Shard('cache:2:{t.acme}:');
  const looks: string[] = [];
  const asked: (readonly string[])[] = [];
  const stage: Stage = {
    said: null,
    entry: { generation: LIFE, stamp: 5, labels: [] },
    hash: () => Promise.resolve([]),
  };
  const connection = {
    values: (_: unknown, __: unknown, done: (values: unknown, last: unknown) => void) =>
      done([Buffer.from('x')], stage.said === null ? null : Buffer.from(stage.said)),
    fields: (_: unknown, fields: readonly string[]) => {
      const labels = fields.filter((field) => field.length > 1);
      asked.push(labels);
      return stage.hash(labels);
    },
    verify: () => looks.push('verify'),
  } as unknown as RedisConnection;
  const readerOf = (): RedisReader =>
    new RedisReader(
      { pick: () => connection } as unknown as RedisPool,
      { open: () => stage.entry } as unknown as EntryOpener,
      {
        look: (_: unknown, said: unknown) => looks.push(said === undefined ? 'missing' : 'read'),
      } as unknown as StateWatch,
    );
  const entry = (stamp: number, ...labels: string[]) => ({ generation: LIFE, stamp, labels }) as unknown as ServerEntry;
  const isValid = async (reader: RedisReader): Promise<boolean> => {
    const reading = await reader.read(shard, KEY);
    return reading.entry !== undefined && survives(reading.entry, reading.required);
  };
  const set = (
    said: string | null,
    ofEntry: Stage['entry'],
    hash: Stage['hash'] = () => Promise.reject(new Error('asked')),
  ) => {
    Object.assign(stage, { said, entry: ofEntry, hash });
    asked.length = looks.length = 0;
  };

  it.each([
    ['as old as the last invalidation', 7, true],
    ['younger', 8, true],
    ['older than the minimum', 3, false],
  ])('an entry %s is judged by the string alone', async (_, stamp, expected) => {
    set(text(LIFE, 4, 7), entry(stamp, 'red'));
    expect(await isValid(readerOf())).toBe(expected);
    set(text(OTHER, 4, 7), entry(stamp, 'red'));
    expect(await isValid(readerOf())).toBe(false);
  });

  it.each<readonly [string, Fields, boolean]>([
    ['says the same, nothing of its label', [LIFE, '4', '7', null], true],
    ['says the same, its label before', [LIFE, '4', '7', '5'], true],
    ['says the same, its label after', [LIFE, '4', '7', '6'], false],
    ['says of its label what is no number', [LIFE, '4', '7', 'x'], false],
    ['has moved on, its label before', [LIFE, '4', '9', '5'], true],
    ['has moved on with its label', [LIFE, '4', '9', '9'], false],
    ['has moved on with everything', [LIFE, '9', '9', null], false],
    ['is behind the string', [LIFE, '4', '6', null], false],
    ['is behind with its minimum', [LIFE, '3', '7', null], false],
    ['is of another life', [OTHER, '4', '7', null], false],
    ['is not there', [null, null, null, null], false],
  ])('an older entry, when the hash %s', async (_, fields, expected) => {
    set(text(LIFE, 4, 7), entry(5, 'red'), () => Promise.resolve(fields));
    const reader = readerOf();
    expect(await isValid(reader)).toBe(expected);
    expect(await isValid(reader)).toBe(expected);
  });

  it('what was asked for once is not asked for again until the string changes, and then with what was needed before', async () => {
    set(text(LIFE, 4, 7), entry(5, 'red'), (labels) => Promise.resolve([LIFE, '4', '7', ...labels.map(() => '0')]));
    const reader = readerOf();
    for (let times = 0; times < 3; times++) expect(await isValid(reader)).toBe(true);
    stage.entry = entry(5, 'blue');
    for (let times = 0; times < 3; times++) expect(await isValid(reader)).toBe(true);
    expect(asked).toEqual([['red'], ['blue']]);
    set(text(LIFE, 4, 8), entry(5, 'red'), (labels) => Promise.resolve([LIFE, '4', '8', ...labels.map(() => '0')]));
    for (let times = 0; times < 3; times++) expect(await isValid(reader)).toBe(true);
    expect(asked.map((labels) => [...labels].sort())).toEqual([['blue', 'red']]);
  });

  describe('the list of the string', () => {
    const hash = (bulk: number, stamp = 0): Stage['hash'] => {
      return (labels) => Promise.resolve([LIFE, '4', String(bulk), ...labels.map(() => String(stamp))]);
    };
    /** A reader that has learnt beside the string of 7 that neither was ever invalidated. */
    const learnt = async (): Promise<RedisReader> => {
      set(text(LIFE, 4, 7), entry(5, 'red', 'blue'), hash(7));
      const reader = readerOf();
      expect(await isValid(reader)).toBe(true);
      return reader;
    };

    it.each<readonly [string, string, boolean]>([
      ['goes on with what was learnt', text(LIFE, 4, 9, 7, [[9, 'green']]), true],
      [
        'over several',
        text(LIFE, 4, 9, 6, [
          [7, 'black'],
          [8, 'white'],
          [9, 'green'],
        ]),
        true,
      ],
      [
        'says what has changed',
        text(LIFE, 4, 9, 7, [
          [8, 'red'],
          [9, 'green'],
        ]),
        false,
      ],
      ['says so with a raised minimum, too', text(LIFE, 6, 9, 7, [[9, 'green']]), false],
    ])('A112: a list that reaches back %s, and the hash is not asked', async (_, said, expected) => {
      const reader = await learnt();
      set(said, entry(5, 'red', 'blue'));
      for (let times = 0; times < 2; times++) expect(await isValid(reader)).toBe(expected);
    });

    it.each<readonly [string, string, number]>([
      ['begins later than the string before ended', text(LIFE, 4, 9, 8, [[9, 'green']]), 8],
      ['is of an earlier string', text(LIFE, 4, 6), 6],
      ['ends where the string before did, and says otherwise', text(LIFE, 4, 7, 6, [[7, 'green']]), 7],
    ])('A113: a list that %s has the hash asked, which says what has changed', async (_, said, stamp) => {
      const reader = await learnt();
      set(said, entry(5, 'red', 'blue'), hash(9, stamp));
      expect(await isValid(reader)).toBe(false);
      expect(asked).toHaveLength(1);
    });

    it('A113: what a list has said goes on when a later one says it no more', async () => {
      const reader = await learnt();
      set(text(LIFE, 4, 8, 7, [[8, 'red']]), entry(5, 'blue'));
      expect(await isValid(reader)).toBe(true);
      set(text(LIFE, 4, 9, 8, [[9, 'green']]), entry(5, 'red', 'blue'));
      expect(await isValid(reader)).toBe(false);
      expect(asked).toEqual([]);
    });

    it('A113: nothing goes on in another life', async () => {
      const reader = await learnt();
      const other = { ...entry(5, 'red', 'blue'), generation: OTHER } as ServerEntry;
      set(text(OTHER, 4, 9, 6, [[9, 'green']]), other, () => Promise.resolve([OTHER, '4', '9', '6', '6']));
      expect(await isValid(reader)).toBe(false);
      expect(asked).toHaveLength(1);
    });

    it('A113: nothing goes on when another server answers', async () => {
      const reader = await learnt();
      reader.forget();
      set(text(LIFE, 4, 9, 6, [[9, 'green']]), entry(5, 'red', 'blue'), hash(9, 6));
      expect(await isValid(reader)).toBe(false);
      expect(asked).toHaveLength(1);
    });

    it('A112: an entry that is not older than the list is judged by it alone, an older one is not', async () => {
      const said = text(LIFE, 4, 9, 6, [
        [8, 'red'],
        [9, 'white,green'],
      ]);
      for (const [stamp, label, expected] of [
        [6, 'blue', true],
        [6, 'red', false],
        [8, 'red', true],
        [8, 'green', false],
        [8, 'white', false],
      ] as const) {
        set(said, entry(stamp, 'black', label));
        expect([stamp, label, await isValid(readerOf())]).toEqual([stamp, label, expected]);
      }
      set(said, entry(5, 'blue'), hash(9, 6));
      expect(await isValid(readerOf())).toBe(false);
      expect(asked).toEqual([['blue']]);
    });

    it('A112: what was learnt goes on over any number of strings, and is bounded', async () => {
      const reader = await learnt();
      for (let bulk = 8; bulk < 3_000; bulk++) {
        set(text(LIFE, 4, bulk, bulk - 1, [[bulk, `tag ${bulk}`]]), entry(5, 'red', 'blue'));
        expect(await isValid(reader)).toBe(true);
      }
      const { states } = reader as unknown as {
        states: { labels: number; known: Map<Shard, { stamps: Map<string, number> }> };
      };
      expect([states.labels, states.known.get(shard)?.stamps.size]).toEqual([2, 2]);
    });
  });

  it('A90: what two servers say in one reading makes nothing valid', async () => {
    for (const said of [text(LIFE, 4, 7), null]) {
      const reader = readerOf();
      set(said, entry(5, 'red'), (labels) => {
        reader.forget();
        return Promise.resolve([LIFE, '4', ...(said === null ? [] : ['7']), ...labels.map(() => '0')]);
      });
      expect(await isValid(reader)).toBe(false);
      stage.hash = (labels) => Promise.resolve([LIFE, '4', ...(said === null ? [] : ['7']), ...labels.map(() => '0')]);
      expect(await isValid(reader)).toBe(true);
    }
  });

  it('a value that takes another turn to open is judged by what was read with it', async () => {
    const late = async (stamp: number): Promise<ServerEntry> => (await Promise.resolve(), entry(stamp, 'red'));
    const hash = () => Promise.resolve([LIFE, '4', '7', '6']);
    set(text(LIFE, 4, 7), late(7), hash);
    expect(await isValid(readerOf())).toBe(true);
    set(text(LIFE, 4, 7), late(5), hash);
    expect(await isValid(readerOf())).toBe(false);
    set(text(LIFE, 4, 7), Promise.reject(new Error('opening')), hash);
    await expect(isValid(readerOf())).rejects.toThrow('opening');
  });

  it('a hash that cannot be asked fails those that need it', async () => {
    set(text(LIFE, 4, 7), entry(5, 'red'));
    await expect(isValid(readerOf())).rejects.toThrow('asked');
  });

  it('what looks like an answer to something else has the connection verified; a later format has not', async () => {
    const hash = () => Promise.resolve([LIFE, '4', null]);
    set('{"name":"Tom"}', entry(5, 'red'), hash);
    expect(await isValid(readerOf())).toBe(true);
    expect(looks).toEqual(['verify', 'missing']);
    set('3|whatever', entry(5, 'red'), hash);
    expect(await isValid(readerOf())).toBe(true);
    expect(looks).toEqual(['missing']);
  });
});
