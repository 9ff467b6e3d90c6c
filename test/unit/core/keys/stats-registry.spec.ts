import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../lib/core/clock.js';
import { SpaceStats } from '../../../../lib/core/keys/space-stats.js';
import { StatsRegistry } from '../../../../lib/core/keys/stats-registry.js';
import type { Partition } from '../../../../lib/core/keys/partition.js';
import { soaking } from '../../../support/soak.js';

/** More than there are rows. */
const MANY = soaking(100_000, 30_000);

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
    registry.row(rowOf('acme', undefined, 'cats')).hits += 1;
    registry.row(rowOf('acme', 'bob', 'cats')).hits += 10;
    registry.row(rowOf('acme', 'bob', 'dogs')).hits += 100;
    registry.row(rowOf('acme', 'eve', 'cats')).hits += 1_000;
    registry.row(rowOf('globex', 'bob', 'cats')).hits += 10_000;
    registry.unscoped.hits += 100_000;
    const hits = async (tenant: string, path?: string, namespace?: string): Promise<number> =>
      (await registry.sum({ partition: `t.${tenant}` as Partition, path, namespace })).hits;
    expect(await hits('acme')).toBe(1_111);
    expect(await hits('acme', 'u.acme.bob')).toBe(110);
    expect(await hits('acme', 'u.acme.bob', 'cats')).toBe(10);
    expect(await hits('acme', undefined, 'cats')).toBe(1_011);
    expect(await hits('globex')).toBe(10_000);
    expect(await hits('initech')).toBe(0);
    expect((await registry.sum()).hits).toBe(111_111);
  });

  it('add up every counter', async () => {
    const registry = new StatsRegistry();
    const { missBalance, ...counters } = new SpaceStats();
    const names = Object.keys(counters);
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
    Object.assign(registry.row(rowOf('acme', 'bob', 'cats')), numbers);
    expect(await registry.sum()).toEqual({ ...numbers, missBalance });
  });

  it('add up a thousand rows in a turn, with those that have to go meanwhile', async () => {
    let turns = 0;
    let atTurn = (): void => undefined;
    const breathe = (): Promise<void> => {
      turns++;
      atTurn();
      return systemClock.breathe();
    };
    const registry = new StatsRegistry({ nowMs: () => 0, breathe });
    for (let index = 0; index < 20_000; index++) registry.row(rowOf(`tenant${index}`, undefined, 'cats')).misses += 1;
    atTurn = () => void registry.row(rowOf(`tenant${turns}`, undefined, 'dogs')).hits++;
    expect((await registry.sum()).misses).toBe(20_000);
    expect([turns, registry.revision]).toEqual([19, 1]);
    atTurn = () => undefined;
    expect(await registry.sum()).toMatchObject({ misses: 20_000, hits: 19 });
  });

  it('C27: are bounded: any number of tenants leaves twenty thousand rows at most, and no count is lost in the sum', async () => {
    const registry = new StatsRegistry();
    for (let index = 0; index < MANY; index++) registry.row(rowOf(`tenant${index}`, undefined, 'cats')).hits += 1;
    expect((await registry.sum()).hits).toBe(MANY);
    expect((registry as unknown as { rows: Map<string, unknown> }).rows.size).toBeLessThanOrEqual(20_000);
  });

  it('C21: keep the row of a tenant at work while another makes up rows by the thousand', async () => {
    const registry = new StatsRegistry();
    const acme = registry.row(rowOf('acme', undefined, 'cats'));
    for (let index = 0; index < MANY; index++) {
      if (index % 100 === 0) acme.hits += 1;
      registry.row(rowOf('flood', `user${index}`, 'cats')).misses += 1;
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
    registry.row(rowOf('acme', undefined, 'cats')).hits += 5;
    const busy = registry.row(rowOf('globex', undefined, 'cats'));
    expect(registry.span(viewOf('acme'))).toEqual({ sinceMs: 1_000_000, isComplete: true });
    clock.now += 60_000;
    for (let index = 0; index < 20_000; index++) {
      busy.hits++;
      registry.row(rowOf('flood', `user${index}`, 'cats')).hits += 9;
    }
    expect((await registry.sum(viewOf('acme'))).hits).toBe(0);
    expect(registry.span(viewOf('acme'))).toEqual({ sinceMs: 1_060_000, isComplete: false });
    expect(registry.span(viewOf('globex'))).toEqual({ sinceMs: 1_000_000, isComplete: true });
    expect(registry.span()).toEqual({ sinceMs: 1_000_000, isComplete: true });
    expect((await registry.sum()).hits).toBe(5 + 20_000 * 10);
  });

  it('find a row to forget also when all of them are at work', () => {
    const registry = new StatsRegistry();
    const rows = Array.from({ length: 20_000 }, (_, index) => registry.row(rowOf(`tenant${index}`, undefined, 'cats')));
    for (let round = 0; round < 3; round++) {
      for (const row of rows) row.hits += 1;
      registry.row(rowOf(`late${round}`, undefined, 'cats'));
    }
    expect((registry as unknown as { rows: Map<string, unknown> }).rows.size).toBeLessThanOrEqual(20_000);
  });
});
