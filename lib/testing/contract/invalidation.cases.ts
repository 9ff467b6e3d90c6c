import assert from 'node:assert/strict';
import { withBuckets } from '../../core/keys/label.js';
import { contractCase, tenantCase } from './cases.js';
import type { ContractCase } from './contract.js';
import type { Place, Stage } from './stage.js';

/** Where entries stand before an invalidation: Ann, Bob and both together, in two namespaces, tagged and not. */
const GROUND: readonly Place[] = [
  { tags: ['out'] },
  { tags: ['in'] },
  { tags: ['out'], user: 'cid' },
  { tags: ['out'], width: 'tenant' },
  { tags: [], width: 'tenant' },
  { tags: ['out'], namespace: 'other' },
  { tags: ['out'], namespace: 'other', user: 'cid' },
  { tags: ['out'], tenant: 'gamma' },
];

/** Indexes into the ground that remain. */
async function remaining(stage: Stage): Promise<number[]> {
  const left: number[] = [];
  for (const [index, place] of GROUND.entries()) {
    if ((await stage.fresh(stage.key(['ground', index], place))) !== undefined) left.push(index);
  }
  return left;
}

async function lay(stage: Stage): Promise<void> {
  for (const [index, place] of GROUND.entries()) await stage.write(stage.key(['ground', index], place), index);
}

/** The label at `at` among those that come with a space: namespace, user, the user's part of the namespace. */
function spaceLabels(stage: Stage, place: Place = {}): string[] {
  return [...stage.space(place).labels];
}

/** `invalidate`: O(1) in entries, for every kind of label. */
export const invalidationCases: readonly ContractCase[] = [
  contractCase('a tag of one user covers that user in every namespace, and nobody else', async (stage) => {
    await lay(stage);
    await stage.a.invalidate(stage.space().partition, [stage.tag('out')]);
    assert.deepStrictEqual(await remaining(stage), [1, 2, 3, 4, 6, 7]);
  }),
  tenantCase('a tag of a tenant covers what the tenant and its users have, in every namespace', async (stage) => {
    await lay(stage);
    await stage.a.invalidate(stage.space().partition, [stage.tag('out', { width: 'tenant' })]);
    assert.deepStrictEqual(await remaining(stage), [1, 4, 7]);
  }),
  tenantCase('every label that a space brings invalidates what lies in it', async (stage) => {
    const [namespace, user, ownNamespace] = stage.space().labels;
    assert.ok(namespace !== undefined && user !== undefined && ownNamespace !== undefined, spaceLabels(stage).join());
    await lay(stage);
    await stage.a.invalidate(stage.space().partition, [ownNamespace]);
    assert.deepStrictEqual(await remaining(stage), [2, 3, 4, 5, 6, 7]);
    await lay(stage);
    await stage.a.invalidate(stage.space().partition, [user]);
    assert.deepStrictEqual(await remaining(stage), [2, 3, 4, 6, 7]);
    await lay(stage);
    await stage.a.invalidate(stage.space().partition, [namespace]);
    assert.deepStrictEqual(await remaining(stage), [5, 6, 7]);
  }),
  contractCase('several labels are invalidated in one step', async (stage) => {
    await lay(stage);
    await stage.a.invalidate(stage.space().partition, [stage.tag('out'), stage.tag('in'), stage.tag('nobody')]);
    assert.deepStrictEqual(await remaining(stage), [2, 3, 4, 6, 7]);
  }),
  contractCase(
    'an entry with a thousand tags, and a number with as many, is gone by any one of them',
    async (stage) => {
      const tags = Array.from({ length: 1_000 }, (_, at) => `${'€'.repeat(80)}${at}`);
      const [key, number] = [stage.key('x', { tags }), stage.key('n', { tags })];
      const { value: _, ...life } = stage.draft(number, 0);
      for (const at of [0, 70, 500, 999]) {
        await stage.write(key, at);
        await stage.assertHolds(key, at);
        assert.equal(await stage.a.increment(number, 2, life), 2);
        assert.equal(await stage.b.increment(number, 2, life), 4);
        await stage.a.invalidate(stage.space().partition, withBuckets([stage.tag(tags[at] as string)]));
        await stage.assertGone(key);
        await stage.assertGone(number);
      }
      const lease = await stage.granted(key);
      assert.equal(await stage.fill(lease, 'filled'), 'stored');
      await stage.assertHolds(key, 'filled');
    },
  ),
  contractCase('a label that nothing carries invalidates nothing', async (stage) => {
    await lay(stage);
    await stage.a.invalidate(stage.space().partition, [stage.tag('nobody')]);
    assert.deepStrictEqual(await remaining(stage), [0, 1, 2, 3, 4, 5, 6, 7]);
  }),
  contractCase('a label where nothing is stored at all is invalidated all the same', async (stage) => {
    await stage.a.invalidate(stage.space({ tenant: 'empty' }).partition, [stage.tag('out', { tenant: 'empty' })]);
    await stage.write(stage.key('x', { tenant: 'empty', tags: ['out'] }), 1);
    await stage.assertHolds(stage.key('x', { tenant: 'empty', tags: ['out'] }), 1);
  }),
  contractCase('what is stored after an invalidation is valid, until the next', async (stage) => {
    const key = stage.key('x', { tags: ['out'] });
    for (let time = 0; time < 3; time++) {
      await stage.write(key, time);
      await stage.assertHolds(key, time);
      await stage.b.invalidate(key.space.partition, [stage.tag('out')]);
      await stage.assertGone(key);
    }
  }),
  contractCase('an entry is gone as soon as one of its many labels is', async (stage) => {
    const tags = Array.from({ length: 32 }, (_, index) => `tag ${index}`);
    const key = stage.key('x', { tags });
    for (const tag of ['tag 0', 'tag 17', 'tag 31']) {
      await stage.write(key, tag);
      await stage.b.invalidate(key.space.partition, [stage.tag(tag)]);
      await stage.assertGone(key);
    }
  }),
  contractCase('tags that look like something else are tags', async (stage) => {
    for (const tag of [
      '*',
      'a,b',
      'a|b',
      ':',
      '__proto__',
      'constructor',
      'hasOwnProperty',
      'é',
      '\n',
      '0',
      'i',
      'f',
    ]) {
      const [key, other] = [stage.key('x', { tags: [tag] }), stage.key('y', { tags: [`${tag}2`] })];
      await stage.write(key, tag);
      await stage.write(other, tag);
      await stage.b.invalidate(key.space.partition, [stage.tag(tag)]);
      await stage.assertGone(key);
      await stage.assertHolds(other, tag);
    }
  }),
  // A backend may bound the labels it remembers by invalidating more than was asked for: in this tenant, not beyond.
  tenantCase('thousands of labels of one tenant may be invalidated, and none is forgotten', async (stage) => {
    const key = stage.key('x', { tags: ['first'] });
    await stage.write(key, 'old');
    await stage.a.invalidate(key.space.partition, [stage.tag('first')]);
    for (let batch = 0; batch < 50; batch++) {
      const labels = Array.from({ length: 100 }, (_, index) => stage.tag(`label ${batch} ${index}`));
      await stage.a.invalidate(key.space.partition, labels);
    }
    await stage.assertGone(key);
    await stage.write(key, 'new');
    await stage.assertHolds(key, 'new');
  }),
  contractCase('an invalidated entry past its ttl is no stand-in either', async (stage) => {
    const key = stage.key('x', { tags: ['out'] });
    await stage.write(key, 'old', { freshForMs: stage.tickMs, keptForMs: 3_600_000 });
    await stage.pass(stage.tickMs);
    const policy = { staleWhileRevalidateMs: 3_600_000 };
    assert.equal(await stage.verdict(key, policy), 'stale');
    await stage.a.invalidate(key.space.partition, [stage.tag('out')]);
    assert.equal(await stage.verdict(key, policy), 'gone');
  }),
];
