import assert from 'node:assert/strict';
import { contractCase } from './cases.js';
import type { ContractCase } from './contract.js';

/** `read`, `readMany`: what is stored, for which scope, in which order. */
export const readingCases: readonly ContractCase[] = [
  contractCase('what was never written reads as nothing', async (stage) => {
    assert.equal((await stage.a.read(stage.key('never'))).entry, undefined);
    assert.equal((await stage.b.read(stage.key('never'))).entry, undefined);
  }),
  contractCase('what one client writes, every client reads', async (stage) => {
    await stage.write(stage.key('cat'), { name: 'Tom' });
    await stage.assertHolds(stage.key('cat'), { name: 'Tom' }, stage.a);
    await stage.assertHolds(stage.key('cat'), { name: 'Tom' }, stage.b);
  }),
  contractCase('an entry says whose it is', async (stage) => {
    const key = stage.key('cat');
    await stage.write(key, 'Tom');
    assert.equal((await stage.b.read(key)).entry?.identity, key.id);
  }),
  contractCase('an entry carries the labels it was stored with', async (stage) => {
    const key = stage.key('cat', { tags: ['red'] });
    await stage.write(key, 'Tom');
    assert.deepStrictEqual(new Set((await stage.b.read(key)).entry?.labels), new Set(key.labels));
  }),
  contractCase('the same name of another user, tenant, width or namespace is another entry', async (stage) => {
    const places = [
      {},
      { user: 'cid' },
      { tenant: 'gamma' },
      { width: 'tenant' as const },
      { namespace: 'things.more' },
      { namespace: 'things@2' },
    ];
    for (const [index, place] of places.entries()) await stage.write(stage.key('same', place), index);
    for (const [index, place] of places.entries()) await stage.assertHolds(stage.key('same', place), index);
  }),
  contractCase('a later write replaces an earlier one', async (stage) => {
    await stage.write(stage.key('cat'), 'Tom');
    await stage.write(stage.key('cat'), 'Kit');
    await stage.assertHolds(stage.key('cat'), 'Kit');
  }),
  contractCase('many are read in the order of their keys, with gaps where nothing is', async (stage) => {
    const keys = ['d', 'a', 'c', 'b', 'a'].map((name) => stage.key(name));
    await stage.write(stage.key('a'), 1);
    await stage.write(stage.key('b'), 2);
    await stage.write(stage.key('d'), 4);
    const readings = await stage.b.readMany(keys);
    assert.deepStrictEqual(
      readings.map(({ entry }) => entry?.value),
      [4, 1, undefined, 2, 1],
    );
  }),
  contractCase('many are read across tenants and users, each its own', async (stage) => {
    const keys = [{}, { user: 'bob' }, { tenant: 'beta' }, { width: 'global' as const }].map((place) =>
      stage.key('mixed', place),
    );
    for (const [index, key] of keys.entries()) await stage.write(key, index);
    const readings = await stage.b.readMany(keys);
    assert.deepStrictEqual(
      readings.map(({ entry }) => [entry?.identity, entry?.value]),
      keys.map(({ id }, index) => [id, index]),
    );
  }),
  contractCase('reading no keys gives no readings', async (stage) => {
    assert.deepStrictEqual(await stage.a.readMany([]), []);
  }),
  contractCase('a reading among many shows what was invalidated, as a single one does', async (stage) => {
    const [gone, kept] = [stage.key('x', { tags: ['out'] }), stage.key('y', { tags: ['in'] })];
    await stage.write(gone, 1);
    await stage.write(kept, 2);
    await stage.a.invalidate(gone.space.partition, [stage.tag('out')]);
    const readings = await stage.b.readMany([gone, kept]);
    assert.deepStrictEqual(
      readings.map((reading, index) => stage.judge(reading, index === 0 ? gone : kept)),
      ['gone', 'fresh'],
    );
  }),
  contractCase(
    'a key that is long, or full of signs that mean something elsewhere, is a key like others',
    async (stage) => {
      const names = [
        '*',
        '?',
        '[a]',
        '\\',
        '{x}',
        'a:b',
        'a/b',
        "a'b",
        '\0\r\nFLUSHALL\r\n',
        'é',
        'e\u0301',
        '😀',
        'k'.repeat(4_000),
      ];
      for (const [index, name] of names.entries()) await stage.write(stage.key(name), index);
      for (const [index, name] of names.entries()) await stage.assertHolds(stage.key(name), index);
    },
  ),
];
