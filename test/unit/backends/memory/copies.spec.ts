/** Records that share metadata share what is known about where their copies have to look: it has to be enough for each of them. */
import { expect, it } from '@jest/globals';
import { RunInContext } from '../support/inside.js';

type Row = Record<string, { n: number }>;

it('readers of records that share metadata have copies of their own, whatever the form of each', () => {
  const inside = new RunInContext();
  const keys = ['a', 'b', 'b-1', 'a'].map((name, at) => ({ name, key: inside.key(at) }));
  for (const { key, name } of keys) inside.write(key, { [name]: { n: 1 } });
  const metadata = new Set(
    [...inside.store.groups(undefined)].flatMap(({ records }) => [...records.values()].map((it) => it.metadata)),
  );
  expect(metadata.size).toBe(1);
  for (const { key, name } of keys) {
    (inside.value(key) as Row)[name]!.n = 2;
    expect(inside.value(key)).toEqual({ [name]: { n: 1 } });
  }
});

it('so have those of a record that was given other times, and shares the metadata of others since', () => {
  const inside = new RunInContext();
  const [moved, there] = [inside.key('moved'), inside.key('there')];
  inside.write(there, { b: { n: 1 } }, 1_000, 5_000);
  inside.write(moved, { a: { n: 1 } });
  inside.backend.expire(moved, 1_000, 5_000);
  for (const [key, name] of [
    [moved, 'a'],
    [there, 'b'],
  ] as const) {
    (inside.value(key) as Row)[name]!.n = 2;
    expect(inside.value(key)).toEqual({ [name]: { n: 1 } });
  }
});
