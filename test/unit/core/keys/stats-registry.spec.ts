import { describe, expect, it, jest } from '@jest/globals';
import { systemClock } from '../../../../lib/core/clock.js';
import { SpaceStats, type Counted, type Counters } from '../../../../lib/core/keys/space-stats.js';
import { StatsRegistry } from '../../../../lib/core/keys/stats-registry.js';
import type { Partition } from '../../../../lib/core/keys/partition.js';
import { seededRandom } from '../../../../lib/testing/seeded-random.js';
import { soaking } from '../../../support/soak.js';

/** More than there are rows. */
const MANY = soaking(100_000, 30_000);

const KINDS: readonly Counted[] = ['misses', 'stale', 'sets', 'evictions', 'displaced', 'errors'];

function rowOf(tenant: string, user: string | undefined, namespace: string): Parameters<StatsRegistry['row']>[0] {
  const partition = `t.${tenant}` as Partition;
  const path = user === undefined ? partition : `u.${tenant}.${user}`;
  return { name: `${path}/${namespace}`, partition, path, namespace };
}

describe('the counters of spaces', () => {
  it('are one row for one name', () => {
    const registry = new StatsRegistry();
    expect(registry.row(rowOf('acme', 'bob', 'cats'))).toBe(registry.row(rowOf('acme', 'bob', 'cats')));
    expect(registry.row(rowOf('acme', 'bob', 'cats'))).not.toBe(registry.row(rowOf('globex', 'bob', 'cats')));
  });

  it('add up over a view, and over nothing outside of it', async () => {
    const registry = new StatsRegistry();
    registry.row(rowOf('acme', undefined, 'cats')).count('hits', 1);
    registry.row(rowOf('acme', 'bob', 'cats')).count('hits', 10);
    registry.row(rowOf('acme', 'bob', 'dogs')).count('hits', 100);
    registry.row(rowOf('acme', 'eve', 'cats')).count('hits', 1_000);
    registry.row(rowOf('globex', 'bob', 'cats')).count('hits', 10_000);
    registry.unscoped.count('hits', 100_000);
    const hits = async (tenant: string, path?: string, namespace?: string): Promise<number> =>
      (await registry.sum({ partition: `t.${tenant}` as Partition, path, namespace })).hits;
    expect(await hits('acme')).toBe(1_111);
    expect(await hits('acme', 'u.acme.bob')).toBe(110);
    expect(await hits('acme', 'u.acme.bob', 'cats')).toBe(10);
    expect(await hits('acme', undefined, 'cats')).toBe(1_011);
    expect(await hits('globex')).toBe(10_000);
    expect(await hits('initech')).toBe(0);
    expect(registry.totals.hits).toBe(111_111);
  });

  it('add up every counter', async () => {
    const registry = new StatsRegistry();
    const { missBalance, isKept, ...counters } = new SpaceStats();
    const names = Object.keys(counters).filter((name) => name !== 'sum') as Counted[];
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
    for (const name of names) registry.row(rowOf('acme', 'bob', 'cats')).count(name, numbers[name]);
    const all = { ...numbers, missBalance, isKept };
    expect(registry.totals).toEqual(all);
    expect(await registry.sum({ partition: 't.acme' as Partition, path: undefined, namespace: undefined })).toEqual(
      all,
    );
  });

  it('add up a thousand rows of a view in a turn, with those that have to go meanwhile', async () => {
    let turns = 0;
    let atTurn = (): void => undefined;
    const breathe = (): Promise<void> => {
      turns++;
      atTurn();
      return systemClock.breathe();
    };
    const registry = new StatsRegistry({ nowMs: () => 0, breathe });
    for (let index = 0; index < 20_000; index++) registry.row(rowOf('acme', `user${index}`, 'cats')).count('misses', 1);
    // Those that have to go next are those that are summed up last.
    for (let index = 0; index < 2_300; index++) registry.row(rowOf(`flood${index}`, undefined, 'cats')).count('misses');
    atTurn = () => registry.row(rowOf(`tenant${turns}`, undefined, 'dogs')).count('hits');
    const acme = { partition: 't.acme' as Partition, path: undefined, namespace: undefined };
    expect((await registry.sum(acme)).misses).toBe(17_700);
    expect(turns).toBe(19);
    atTurn = () => undefined;
    expect((await registry.sum(acme)).misses).toBe(17_700 - 19);
    expect(registry.totals).toMatchObject({ misses: 22_300, hits: 19 });
  });

  it('C27: are bounded: any number of tenants leaves twenty thousand rows at most, and no count is lost in the sum', async () => {
    const registry = new StatsRegistry();
    for (let index = 0; index < MANY; index++)
      registry.row(rowOf(`tenant${index}`, undefined, 'cats')).count('hits', 1);
    expect(registry.totals.hits).toBe(MANY);
    expect((registry as unknown as { byName: Map<string, unknown> }).byName.size).toBeLessThanOrEqual(20_000);
  });

  it('C21: keep the row of a tenant at work while another makes up rows by the thousand', async () => {
    const registry = new StatsRegistry();
    const acme = registry.row(rowOf('acme', undefined, 'cats'));
    for (let index = 0; index < MANY; index++) {
      if (index % 100 === 0) acme.count('hits', 1);
      registry.row(rowOf('flood', `user${index}`, 'cats')).count('misses', 1);
    }
    expect(registry.row(rowOf('acme', undefined, 'cats'))).toBe(acme);
    const { hits } = await registry.sum({ partition: 't.acme' as Partition, path: undefined, namespace: undefined });
    expect(hits).toBe(MANY / 100);
  });

  it('say from when on the figures of a tenant count whose rows had to go, and that some are missing', async () => {
    const clock = { now: 1_000_000, nowMs: () => clock.now, breathe: systemClock.breathe };
    const registry = new StatsRegistry(clock);
    const viewOf = (tenant: string) => ({
      partition: `t.${tenant}` as Partition,
      path: undefined,
      namespace: undefined,
    });
    registry.row(rowOf('acme', undefined, 'cats')).count('hits', 5);
    const busy = registry.row(rowOf('globex', undefined, 'cats'));
    expect(registry.span(viewOf('acme'))).toEqual({ sinceMs: 1_000_000, isComplete: true });
    clock.now += 60_000;
    for (let index = 0; index < 20_000; index++) {
      busy.count('hits');
      registry.row(rowOf('flood', `user${index}`, 'cats')).count('hits', 9);
    }
    expect((await registry.sum(viewOf('acme'))).hits).toBe(0);
    expect(registry.span(viewOf('acme'))).toEqual({ sinceMs: 1_060_000, isComplete: false });
    expect(registry.span(viewOf('globex'))).toEqual({ sinceMs: 1_000_000, isComplete: true });
    expect(registry.span()).toEqual({ sinceMs: 1_000_000, isComplete: true });
    expect(registry.totals.hits).toBe(5 + 20_000 * 10);
  });

  it('A111: are totals without a walk, exact whatever is counted and whichever rows have to go', () => {
    const random = seededRandom(15);
    const registry = new StatsRegistry();
    const counted: Record<string, number> = {};
    const held: Counters[] = [registry.unscoped];
    for (let step = 0; step < MANY; step++) {
      const kind = KINDS[Math.floor(random() * KINDS.length)] as Counted;
      const times = Math.floor(random() * 4);
      // Of a new row, of one that is known, of one that may have gone long ago, of none.
      if (random() < 0.8)
        held[Math.min(held.length, 1 + (step % 500))] = registry.row(rowOf(`tenant${step}`, undefined, 'cats'));
      const row = held[Math.floor(random() * held.length)] as Counters;
      row.count(kind, times);
      row.hit();
      counted[kind] = (counted[kind] ?? 0) + times;
      counted['hits'] = (counted['hits'] ?? 0) + 1;
    }
    expect(registry.totals).toMatchObject(counted);
  });

  it('A111: cost a new row a look at a few, however many there are', () => {
    const registry = new StatsRegistry();
    const rows = Array.from({ length: 20_000 }, (_, at) => registry.row(rowOf(`tenant${at}`, undefined, 'cats')));
    const looks = jest.spyOn(SpaceStats.prototype, 'total', 'get');
    try {
      for (let late = 0; late < 50; late++) {
        for (const row of rows) row.hit();
        looks.mockClear();
        registry.row(rowOf(`late${late}`, undefined, 'cats'));
        expect(looks.mock.calls.length).toBeLessThanOrEqual(8);
        expect(looks.mock.calls.length).toBeGreaterThan(0);
      }
    } finally {
      looks.mockRestore();
    }
  });

  it('find a row to forget also when all of them are at work', () => {
    const registry = new StatsRegistry();
    const rows = Array.from({ length: 20_000 }, (_, index) => registry.row(rowOf(`tenant${index}`, undefined, 'cats')));
    for (let round = 0; round < 3; round++) {
      for (const row of rows) row.count('hits', 1);
      registry.row(rowOf(`late${round}`, undefined, 'cats'));
    }
    expect((registry as unknown as { byName: Map<string, unknown> }).byName.size).toBeLessThanOrEqual(20_000);
  });
});
