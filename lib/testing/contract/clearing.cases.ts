import assert from 'node:assert/strict';
import { contractCase, tenantCase } from './cases.js';
import type { ContractCase } from './contract.js';
import type { Place, Stage } from './stage.js';

/** Five live entries for Ann in `things`, and beside them what must not be counted. */
async function populate(stage: Stage): Promise<void> {
  for (let index = 0; index < 5; index++) await stage.write(stage.key(['live', index]), index);
  await stage.write(stage.key('old'), 1, { freshForMs: stage.tickMs });
  await stage.write(stage.key('out', { tags: ['out'] }), 1);
  await stage.a.invalidate(stage.space().partition, [stage.tag('out')]);
  await stage.write(stage.key('removed'), 1);
  await stage.a.evict([stage.key('removed')]);
  await stage.write(stage.key('elsewhere', { namespace: 'other' }), 1);
  await stage.write(stage.key('foreign', { user: 'cid' }), 1);
  await stage.write(stage.key('shared', { width: 'tenant' }), 1);
  await stage.write(stage.key('stranger', { tenant: 'gamma' }), 1);
  await stage.pass(stage.tickMs);
}

const OWN: Place = { namespace: 'things' };
const SHARED: Place = { width: 'tenant' };

/** `clear`, `clearEverything`, `usage`: exact counts, and nothing beyond the view. */
export const clearingCases: readonly ContractCase[] = [
  contractCase('clearing a user in a namespace counts what was live there, and reaches no farther', async (stage) => {
    await populate(stage);
    assert.equal(await stage.b.clear(stage.view(OWN)), 5);
    for (let index = 0; index < 5; index++) await stage.assertGone(stage.key(['live', index]));
    await stage.assertHolds(stage.key('elsewhere', { namespace: 'other' }), 1);
    await stage.assertHolds(stage.key('foreign', { user: 'cid' }), 1);
    await stage.assertHolds(stage.key('shared', SHARED), 1);
    await stage.assertHolds(stage.key('stranger', { tenant: 'gamma' }), 1);
    assert.equal(await stage.b.clear(stage.view(OWN)), 0);
  }),
  contractCase('clearing a user covers all its namespaces', async (stage) => {
    await populate(stage);
    assert.equal(await stage.b.clear(stage.view()), 6);
    await stage.assertGone(stage.key('elsewhere', { namespace: 'other' }));
    await stage.assertHolds(stage.key('foreign', { user: 'cid' }), 1);
    await stage.assertHolds(stage.key('shared', SHARED), 1);
  }),
  tenantCase('clearing a namespace of a tenant covers all its users', async (stage) => {
    await populate(stage);
    assert.equal(await stage.b.clear(stage.view({ ...SHARED, namespace: 'things' })), 7);
    await stage.assertGone(stage.key('foreign', { user: 'cid' }));
    await stage.assertGone(stage.key('shared', SHARED));
    await stage.assertHolds(stage.key('elsewhere', { namespace: 'other' }), 1);
    await stage.assertHolds(stage.key('stranger', { tenant: 'gamma' }), 1);
  }),
  tenantCase('clearing a tenant covers everything it and its users have', async (stage) => {
    await populate(stage);
    assert.equal(await stage.b.clear(stage.view(SHARED)), 8);
    await stage.assertGone(stage.key('elsewhere', { namespace: 'other' }));
    await stage.assertHolds(stage.key('stranger', { tenant: 'gamma' }), 1);
    assert.equal(await stage.b.clear(stage.view(SHARED)), 0);
    assert.equal((await stage.a.usage(stage.view(SHARED))).entries, 0);
  }),
  contractCase('a namespace is cleared in all its versions, and not those it begins like', async (stage) => {
    for (const namespace of ['things', 'things@2', 'things@3', 'things.more', 'things2']) {
      await stage.write(stage.key('x', { namespace }), 1);
    }
    assert.equal(await stage.b.clear(stage.view(OWN)), 3 + 0);
    await stage.assertHolds(stage.key('x', { namespace: 'things.more' }), 1);
    await stage.assertHolds(stage.key('x', { namespace: 'things2' }), 1);
  }),
  contractCase('what is past its ttl but kept for bad times counts as live', async (stage) => {
    await stage.write(stage.key('x', { user: 'cid' }), 1, { freshForMs: stage.tickMs, keptForMs: 3_600_000 });
    await stage.pass(stage.tickMs);
    assert.equal((await stage.b.usage(stage.view({ user: 'cid' }))).entries, 1);
    assert.equal(await stage.b.clear(stage.view({ user: 'cid' })), 1);
    assert.equal(await stage.verdict(stage.key('x', { user: 'cid' }), { staleIfErrorMs: 3_600_000 }), 'gone');
  }),
  contractCase('what was invalidated by a label that is invalidated again is not counted again', async (stage) => {
    const key = stage.key('x', { user: 'cid', tags: ['out'] });
    await stage.write(key, 1);
    const { labels, partition } = key.space;
    await stage.a.invalidate(partition, labels.slice(1));
    assert.equal(await stage.b.clear(stage.view({ user: 'cid' })), 0);
  }),
  contractCase('what is written after a clear stays, and is counted by the next', async (stage) => {
    const place = { user: 'cid' };
    await stage.write(stage.key('x', place), 1);
    assert.equal(await stage.b.clear(stage.view(place)), 1);
    await stage.write(stage.key('x', place), 2);
    await stage.assertHolds(stage.key('x', place), 2);
    assert.equal(await stage.b.clear(stage.view(place)), 1);
  }),
  contractCase('of two clears at once each entry is counted by one', async (stage) => {
    const place = { user: 'cid' };
    const keys = Array.from({ length: 50 }, (_, index) => stage.key(index, place));
    await stage.a.writeMany(keys.map((key) => [key, stage.draft(key, 1)]));
    const view = stage.view(place);
    const counts = await Promise.all([stage.a.clear(view), stage.b.clear(view)]);
    assert.equal(counts[0] + counts[1], 50);
  }),
  contractCase('thousands of entries are cleared with an exact count', async (stage) => {
    const place = { user: 'cid' };
    const keys = Array.from({ length: 2_500 }, (_, index) => stage.key(index, place));
    await stage.a.writeMany(keys.map((key) => [key, stage.draft(key, 'x')]));
    assert.equal((await stage.b.usage(stage.view(place))).entries, 2_500);
    assert.equal(await stage.b.clear(stage.view(place)), 2_500);
    assert.equal((await stage.b.usage(stage.view(place))).entries, 0);
  }),
  contractCase(
    'clearing everything crosses tenants, and counts what was live',
    async (stage) => {
      await populate(stage);
      await stage.write(stage.key('everybody', { width: 'global' }), 1);
      assert.equal(await stage.b.clearEverything(), 10);
      for (const place of [{}, { tenant: 'gamma' }, { width: 'global' as const }]) {
        await stage.assertGone(stage.key('stranger', place));
        await stage.assertGone(stage.key('everybody', place));
      }
      assert.equal((await stage.a.usage(undefined)).entries, 0);
      assert.equal(await stage.b.clearEverything(), 0);
      await stage.write(stage.key('after'), 1);
      await stage.assertHolds(stage.key('after'), 1);
    },
    { reach: 'all' },
  ),
  contractCase(
    'clearing a namespace of all tenants covers every width and version of it, and no other',
    async (stage) => {
      await populate(stage);
      await stage.write(stage.key('everybody', { width: 'global' }), 1);
      await stage.write(stage.key('next', { tenant: 'gamma', namespace: 'things@2' }), 1);
      await stage.write(stage.key('alike', { tenant: 'gamma', namespace: 'things2' }), 1);
      await stage.write(stage.key('elsewhere', { width: 'global', namespace: 'other' }), 1);
      assert.equal(await stage.b.clearEverything(stage.everywhere('things')), 10);
      for (const place of [{}, { user: 'cid' }, SHARED, { tenant: 'gamma' }, { width: 'global' as const }]) {
        for (const name of ['foreign', 'shared', 'stranger', 'everybody', ['live', 0]])
          await stage.assertGone(stage.key(name, place));
      }
      await stage.assertGone(stage.key('next', { tenant: 'gamma', namespace: 'things@2' }));
      await stage.assertHolds(stage.key('alike', { tenant: 'gamma', namespace: 'things2' }), 1);
      for (const place of [{}, { width: 'global' as const }])
        await stage.assertHolds(stage.key('elsewhere', { ...place, namespace: 'other' }), 1);
      assert.equal(await stage.b.clearEverything(stage.everywhere('things')), 0);
      await stage.write(stage.key('after'), 1);
      await stage.assertHolds(stage.key('after'), 1);
    },
    { reach: 'all' },
  ),
  contractCase(
    'a lease from before a namespace of all tenants was cleared is void for those who come after',
    async (stage) => {
      const keys = [{}, SHARED, { tenant: 'gamma' }, { width: 'global' as const }].map((place) =>
        stage.key('x', place),
      );
      const leases = [];
      for (const key of keys) leases.push(await stage.granted(key));
      await stage.b.clearEverything(stage.everywhere('things'));
      for (const key of keys) await stage.granted(key, stage.b);
      for (const lease of leases) assert.notEqual(await stage.fill(lease, 'old'), 'stored');
    },
    { reach: 'all' },
  ),
  contractCase(
    'usage counts exactly what is live in a view, and in all of them',
    async (stage) => {
      await populate(stage);
      const entriesOf = async (place: Place): Promise<number> => (await stage.b.usage(stage.view(place))).entries;
      assert.equal(await entriesOf(OWN), 5);
      assert.equal(await entriesOf({}), 6);
      assert.equal(await entriesOf({ user: 'cid' }), 1);
      assert.equal(await entriesOf({ ...SHARED, namespace: 'things' }), 7);
      assert.equal(await entriesOf(SHARED), 8);
      assert.equal(await entriesOf({ tenant: 'gamma', width: 'tenant' }), 1);
      assert.equal(await entriesOf({ tenant: 'empty', width: 'tenant' }), 0);
      assert.equal((await stage.b.usage(undefined)).entries, 9);
    },
    { reach: 'all' },
  ),
  contractCase('usage tells the bytes of a view, which grow with its values', async (stage) => {
    const place = { user: 'cid' };
    assert.deepStrictEqual(await stage.b.usage(stage.view(place)), { entries: 0, bytes: 0 });
    await stage.write(stage.key('small', place), 'x');
    const small = await stage.b.usage(stage.view(place));
    await stage.write(
      stage.key('large', place),
      'x'
        .repeat(10_000)
        .split('')
        .map((char, index) => `${char}${index}`),
    );
    const large = await stage.b.usage(stage.view(place));
    assert.ok(small.bytes > 0 && large.bytes > small.bytes + 1_000, `${small.bytes}, ${large.bytes}`);
  }),
];
