import assert from 'node:assert/strict';
import { NotACounterError } from '../../core/errors.js';
import type { Key } from '../../core/keys/key.js';
import { contractCase, tenantCase } from './cases.js';
import type { ContractCase } from './contract.js';
import type { Stage } from './stage.js';

async function count(stage: Stage, key: Key, by = 1, freshForMs = 3_600_000, client = stage.a): Promise<number> {
  const { labels, keptForMs, isolation } = stage.draft(key, 0, { freshForMs });
  return client.increment(key, by, { labels, freshForMs, keptForMs, isolation });
}

/** `increment`. */
export const countingCases: readonly ContractCase[] = [
  contractCase('a count starts at nothing and goes up and down', async (stage) => {
    const key = stage.key('calls');
    const seen = [];
    for (const by of [1, 5, -2, 0, -10]) seen.push(await count(stage, key, by));
    assert.deepStrictEqual(seen, [1, 6, 4, 4, -6]);
    await stage.assertHolds(key, -6);
  }),
  contractCase('counts of many clients at once lose nothing', async (stage) => {
    const key = stage.key('calls');
    const seen = await Promise.all(
      Array.from({ length: 100 }, (_, index) => count(stage, key, 1, 3_600_000, index % 2 === 0 ? stage.a : stage.b)),
    );
    assert.deepStrictEqual(
      seen.sort((x, y) => x - y),
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    await stage.assertHolds(key, 100);
  }),
  contractCase('counts lose nothing while somebody changes their ttl', async (stage) => {
    const key = stage.key('calls');
    await count(stage, key);
    for (let round = 0; round < 20; round++) {
      const counting = (async () => {
        for (let n = 0; n < 5; n++) await count(stage, key, 1, 3_600_000, stage.b);
      })();
      for (let n = 0; n < 2; n++) assert.equal(await stage.a.expire(key, 3_600_000, 3_600_000), true);
      await counting;
    }
    await stage.assertHolds(key, 101);
  }),
  contractCase('counts of other users, tenants and widths are other counts', async (stage) => {
    const places = [{}, { user: 'cid' }, { tenant: 'gamma' }, { width: 'tenant' as const }, { namespace: 'things@2' }];
    for (const place of places) assert.equal(await count(stage, stage.key('calls', place)), 1);
  }),
  contractCase('the expiry of a count is set when it begins, and stays', async (stage) => {
    const key = stage.key('calls');
    await count(stage, key, 1, 4 * stage.tickMs);
    await stage.pass(2 * stage.tickMs);
    assert.equal(await count(stage, key, 1, 3_600_000), 2);
    await stage.pass(2 * stage.tickMs);
    await stage.assertGone(key);
    assert.equal(await count(stage, key), 1);
  }),
  contractCase('a count may go on without end', async (stage) => {
    const key = stage.key('calls');
    await count(stage, key, 7, Infinity);
    assert.equal((await stage.fresh(key))?.freshUntilMs, Infinity);
  }),
  contractCase('a number that was written can be counted on', async (stage) => {
    const key = stage.key('calls');
    await stage.write(key, 41);
    assert.equal(await count(stage, key), 42);
    await stage.write(key, -3);
    assert.equal(await count(stage, key), -2);
  }),
  contractCase('a number past its ttl is not counted on, even while it is kept', async (stage) => {
    const key = stage.key('calls');
    await stage.write(key, 41, { freshForMs: stage.tickMs, keptForMs: 3_600_000 });
    await stage.pass(stage.tickMs);
    assert.equal(await count(stage, key), 1);
  }),
  contractCase('whatever is no whole number is no count, and stays as it is', async (stage) => {
    const key = stage.key('calls');
    for (const value of ['1', 1.5, NaN, Infinity, 2 ** 53, 10n, null, true, [1], { n: 1 }]) {
      await stage.write(key, value);
      await assert.rejects(async () => count(stage, key), NotACounterError);
      await stage.assertHolds(key, value);
    }
  }),
  contractCase('a count does not leave the numbers that are exact', async (stage) => {
    const key = stage.key('calls');
    await stage.write(key, Number.MAX_SAFE_INTEGER);
    await assert.rejects(async () => count(stage, key), NotACounterError);
    await stage.write(key, Number.MIN_SAFE_INTEGER);
    await assert.rejects(async () => count(stage, key, -1), NotACounterError);
    await stage.assertHolds(key, Number.MIN_SAFE_INTEGER);
  }),
  contractCase('a count carries its tags, and begins anew when one is invalidated', async (stage) => {
    const key = stage.key('calls', { tags: ['window'] });
    await count(stage, key, 5);
    await stage.b.invalidate(key.space.partition, [stage.tag('window')]);
    await stage.assertGone(key);
    assert.equal(await count(stage, key), 1);
  }),
  tenantCase(
    'a count goes with what covers it, its namespace, its user, its tenant, and with nothing else',
    async (stage) => {
      const key = stage.key('calls', { namespace: 'things.limits' });
      await count(stage, key, 5);
      await stage.b.clear(stage.view({ namespace: 'things' }));
      await stage.b.clear(stage.view({ user: 'cid' }));
      await stage.b.invalidate(key.space.partition, [stage.tag('calls')]);
      assert.equal(await count(stage, key), 6);
      for (const place of [{ namespace: 'things.limits' }, {}, { width: 'tenant' as const }]) {
        await stage.b.clear(stage.view(place));
        assert.equal(await count(stage, key), 1);
      }
    },
  ),
  contractCase('counting voids the lease on its key', async (stage) => {
    const key = stage.key('calls');
    await count(stage, key, 5);
    const lease = await stage.granted(key, stage.b, 'refresh');
    assert.equal(await count(stage, key), 6);
    assert.equal(await stage.fill(lease, 5, undefined, stage.b), 'lease-lost');
    await stage.assertHolds(key, 6);
  }),
];
