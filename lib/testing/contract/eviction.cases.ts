import assert from 'node:assert/strict';
import { contractCase } from './cases.js';
import type { ContractCase } from './contract.js';

/** `evict`: what is removed by name. */
export const evictionCases: readonly ContractCase[] = [
  contractCase('an evicted entry is gone for every client', async (stage) => {
    await stage.write(stage.key('x'), 1);
    assert.equal(await stage.a.evict([stage.key('x')]), 1);
    await stage.assertGone(stage.key('x'), stage.a);
    await stage.assertGone(stage.key('x'), stage.b);
  }),
  contractCase('evicting counts what was live, each entry once', async (stage) => {
    const keys = ['x', 'y', 'z', 'old', 'out'].map((name) => stage.key(name, { tags: [name] }));
    for (const key of keys) await stage.write(key, 1, key.tags[0] === 'old' ? { freshForMs: stage.tickMs } : {});
    await stage.a.invalidate(stage.space().partition, [stage.tag('out')]);
    await stage.pass(stage.tickMs);
    const asked = [...keys, stage.key('x'), stage.key('never')];
    assert.equal(await stage.b.evict(asked), 3);
    assert.equal(await stage.b.evict(asked), 0);
  }),
  contractCase('evicting reaches exactly the keys that are named', async (stage) => {
    const places = [{}, { user: 'cid' }, { tenant: 'gamma' }, { width: 'tenant' as const }, { namespace: 'things@2' }];
    for (const place of places) await stage.write(stage.key('same', place), 'here');
    assert.equal(await stage.b.evict([stage.key('same'), stage.key('same', { tenant: 'gamma' })]), 2);
    for (const place of [{ user: 'cid' }, { width: 'tenant' as const }, { namespace: 'things@2' }]) {
      await stage.assertHolds(stage.key('same', place), 'here');
    }
    await stage.assertGone(stage.key('same'));
    await stage.assertGone(stage.key('same', { tenant: 'gamma' }));
  }),
  contractCase('evicting nothing removes nothing', async (stage) => {
    assert.equal(await stage.a.evict([]), 0);
    assert.equal(await stage.a.evict([stage.key('never')]), 0);
  }),
  contractCase('many are evicted at once', async (stage) => {
    const keys = Array.from({ length: 300 }, (_, index) => stage.key(['many', index]));
    await stage.a.writeMany(keys.map((key) => [key, stage.draft(key, 1)]));
    assert.equal(await stage.b.evict(keys), 300);
    for (const reading of await stage.a.readMany(keys)) assert.equal(reading.entry, undefined);
  }),
  contractCase('what was evicted can be written again', async (stage) => {
    await stage.write(stage.key('x'), 1);
    await stage.b.evict([stage.key('x')]);
    await stage.write(stage.key('x'), 2);
    await stage.assertHolds(stage.key('x'), 2);
  }),
];
