import assert from 'node:assert/strict';
import type { Key } from '../../core/keys/key.js';
import { contractCase, tenantCase } from './cases.js';
import type { ContractCase } from './contract.js';
import type { Reach } from './bystanders.js';
import type { Stage } from './stage.js';

/** What happens between lease and fill, what has to become of the fill, and how far it reaches. */
interface Race {
  readonly meanwhile: string;
  readonly outcome: 'stored' | 'lease-lost' | 'invalidated' | 'refused';
  readonly reach?: Reach;
  act(stage: Stage, key: Key): Promise<unknown>;
}

const RACES: readonly Race[] = [
  { meanwhile: 'nothing happens', outcome: 'stored', act: async () => undefined },
  { meanwhile: 'its key is evicted', outcome: 'lease-lost', act: async (stage, key) => stage.b.evict([key]) },
  {
    meanwhile: 'its key is written',
    outcome: 'lease-lost',
    act: async (stage, key) => stage.b.write(key, stage.draft(key, 'written')),
  },
  {
    meanwhile: 'its key is counted up',
    outcome: 'lease-lost',
    act: async (stage, key) => stage.b.increment(key, 1, stage.draft(key, 0)),
  },
  {
    meanwhile: 'its tag is invalidated for its user',
    outcome: 'invalidated',
    act: async (stage, key) => stage.b.invalidate(key.space.partition, [stage.tag('red')]),
  },
  {
    meanwhile: 'its tag is invalidated for the whole tenant',
    outcome: 'invalidated',
    reach: 'tenant',
    act: async (stage, key) => stage.b.invalidate(key.space.partition, [stage.tag('red', { width: 'tenant' })]),
  },
  {
    meanwhile: 'its user is cleared',
    outcome: 'invalidated',
    act: async (stage) => stage.b.clear(stage.view()),
  },
  {
    meanwhile: 'its namespace is cleared for its user',
    outcome: 'invalidated',
    act: async (stage) => stage.b.clear(stage.view({ namespace: 'things' })),
  },
  {
    meanwhile: 'its namespace is cleared for the whole tenant',
    outcome: 'invalidated',
    reach: 'tenant',
    act: async (stage) => stage.b.clear(stage.view({ width: 'tenant', namespace: 'things' })),
  },
  {
    meanwhile: 'its tenant is cleared',
    outcome: 'invalidated',
    reach: 'tenant',
    act: async (stage) => stage.b.clear(stage.view({ width: 'tenant' })),
  },
  {
    meanwhile: 'everything is cleared',
    outcome: 'refused',
    reach: 'all',
    act: async (stage) => stage.b.clearEverything(),
  },
  {
    meanwhile: 'its namespace is cleared for all tenants',
    outcome: 'refused',
    reach: 'all',
    act: async (stage) => stage.b.clearEverything(stage.everywhere('things')),
  },
  {
    meanwhile: 'another namespace is cleared for all tenants',
    outcome: 'stored',
    act: async (stage) => stage.b.clearEverything(stage.everywhere('things.more')),
  },
  {
    meanwhile: 'a pattern that matches its key is removed',
    outcome: 'refused',
    act: async (stage) => stage.b.removeMatching(stage.selection('c*')),
  },
  {
    meanwhile: 'another tag is invalidated',
    outcome: 'stored',
    act: async (stage, key) => stage.b.invalidate(key.space.partition, [stage.tag('green')]),
  },
  {
    meanwhile: 'its tag is invalidated for another user',
    outcome: 'stored',
    act: async (stage, key) => stage.b.invalidate(key.space.partition, [stage.tag('red', { user: 'cid' })]),
  },
  {
    meanwhile: 'another user is cleared',
    outcome: 'stored',
    act: async (stage) => stage.b.clear(stage.view({ user: 'cid' })),
  },
  {
    meanwhile: 'another namespace is cleared',
    outcome: 'stored',
    act: async (stage) => stage.b.clear(stage.view({ width: 'tenant', namespace: 'other' })),
  },
  {
    meanwhile: 'another tenant is cleared',
    outcome: 'stored',
    act: async (stage) => stage.b.clear(stage.view({ tenant: 'gamma', width: 'tenant' })),
  },
  {
    meanwhile: 'another key is evicted',
    outcome: 'stored',
    act: async (stage) => stage.b.evict([stage.key('cat', { namespace: 'things@2' }), stage.key('dog2')]),
  },
];

const raceCases = RACES.map(({ meanwhile, outcome, reach = 'user', act }) =>
  contractCase(
    `a fill is ${outcome === 'stored' ? 'stored' : `refused (${outcome})`} when ${meanwhile} between its lease and it`,
    async (stage) => {
      const key = stage.key('cat', { tags: ['red'] });
      const lease = await stage.granted(key);
      await act(stage, key);
      const got = await stage.fill(lease, 'loaded');
      if (outcome === 'refused') assert.notEqual(got, 'stored');
      else assert.equal(got, outcome);
      if (outcome === 'stored') await stage.assertHolds(key, 'loaded');
      else assert.notEqual((await stage.fresh(key))?.value, 'loaded');
      // Whatever became of it, the next loader is not kept waiting.
      if ((await stage.fresh(key)) === undefined) await stage.granted(key, stage.b);
    },
    { reach },
  ),
);

/** `fill`: stored only under a live lease, and only if nothing that covers it was invalidated since. */
export const fillCases: readonly ContractCase[] = [
  ...raceCases,
  contractCase('a lease fills once', async (stage) => {
    const lease = await stage.granted(stage.key('cat2'));
    assert.equal(await stage.fill(lease, 'first'), 'stored');
    assert.equal(await stage.fill(lease, 'second'), 'lease-lost');
    await stage.assertHolds(stage.key('cat2'), 'first');
  }),
  contractCase('a stored fill answers the next request, and leaves no lease behind', async (stage) => {
    const key = stage.key('cat2');
    assert.equal(await stage.fill(await stage.granted(key), 'Tom'), 'stored');
    assert.equal((await stage.ask(key, stage.b)).kind, 'found');
    await stage.granted(key, stage.b, 'refresh');
  }),
  contractCase('a fill under a lease that ran out is refused', async (stage) => {
    const lease = await stage.granted(stage.key('cat2'), stage.a, 'missing', stage.tickMs);
    await stage.pass(stage.tickMs);
    assert.equal(await stage.fill(lease, 'late'), 'lease-lost');
    await stage.assertGone(stage.key('cat2'));
  }),
  contractCase('a fill may bring labels that were not known when the lease was granted', async (stage) => {
    const [key, labelled] = [stage.key('cat2'), stage.key('cat2', { tags: ['found'] })];
    const lease = await stage.granted(key);
    assert.equal(await stage.fill(lease, 'Tom', { labels: labelled.labels }), 'stored');
    await stage.assertHolds(key, 'Tom');
    await stage.b.invalidate(key.space.partition, [stage.tag('found')]);
    await stage.assertGone(key);
  }),
  contractCase('a label that came with the result counts from the lease on', async (stage) => {
    const [key, labelled] = [stage.key('cat2'), stage.key('cat2', { tags: ['found'] })];
    const lease = await stage.granted(key);
    await stage.b.invalidate(key.space.partition, [stage.tag('found')]);
    assert.equal(await stage.fill(lease, 'Tom', { labels: labelled.labels }), 'invalidated');
    await stage.assertGone(key);
  }),
  contractCase('an invalidation before the lease does not touch the fill', async (stage) => {
    const key = stage.key('cat2', { tags: ['red'] });
    await stage.b.invalidate(key.space.partition, [stage.tag('red')]);
    assert.equal(await stage.fill(await stage.granted(key), 'Tom'), 'stored');
    await stage.assertHolds(key, 'Tom');
  }),
  contractCase('a refused fill leaves an entry that another wrote meanwhile', async (stage) => {
    const key = stage.key('cat2');
    const lease = await stage.granted(key);
    await stage.b.write(key, stage.draft(key, 'written'));
    await stage.fill(lease, 'loaded');
    await stage.assertHolds(key, 'written');
  }),
  tenantCase(
    'what is cleared while it is loaded stays cleared, even if tenant and key are used again at once',
    async (stage) => {
      const key = stage.key('only', { tenant: 'gone', width: 'tenant' });
      const lease = await stage.granted(key);
      await stage.b.evict([key]);
      const again = await stage.granted(key, stage.b);
      assert.equal(await stage.fill(lease, 'old'), 'lease-lost');
      assert.equal(await stage.fill(again, 'new', undefined, stage.b), 'stored');
      await stage.assertHolds(key, 'new');
    },
  ),
  contractCase('a value that cannot be stored leaves the lease with its holder', async (stage) => {
    const lease = await stage.granted(stage.key('cat2'));
    await assert.rejects(async () => stage.fill(lease, () => 'a function'));
    assert.equal(await stage.fill(lease, 'Tom'), 'stored');
  }),
];
