import { describe, expect, it } from '@jest/globals';
import { memory } from '../../../../lib/backends/memory/memory.backend.js';
import type { MemoryOptions, QuotaOptions } from '../../../../lib/backends/memory/options.js';
import type { Quota } from '../../../../lib/backends/memory/quota.js';
import { CacheConfigError, QuotaExceededError, ValueTooLargeError } from '../../../../lib/core/errors.js';
import { seededRandom } from '../../../../lib/testing/seeded-random.js';
import { errorOf, Rig } from '../../../support/machine/rig.js';
import { soaking } from '../../../support/soak.js';
import { RunInContext } from '../support/inside.js';

interface Held {
  readonly entries: number;
  readonly bytes: number;
}

/** What the quota counts for each tenant, and what the store keeps of it. */
function held(inside: RunInContext): { readonly believed: Map<string, Held>; readonly actual: Map<string, Held> } {
  const { usages } = inside.store.quota as unknown as { usages: Map<string, Held> };
  const believed = new Map([...usages].map(([tenant, { entries, bytes }]) => [tenant, { entries, bytes }]));
  const actual = new Map<string, Held>();
  for (const { within, records } of inside.store.groups(undefined)) {
    const before = actual.get(within.partition) ?? { entries: 0, bytes: inside.besideRecords(within) };
    const bytes = [...records.values()].reduce((sum, { costBytes }) => sum + costBytes, 0);
    actual.set(within.partition, { entries: before.entries + records.size, bytes: before.bytes + bytes });
  }
  return { believed, actual };
}

const there = (inside: RunInContext, names: readonly number[], tenant: string): number[] =>
  names.filter((name) => inside.value(inside.key(name, { tenant })) !== undefined);

describe('quotas of tenants', () => {
  it('a tenant that reaches its quota displaces its own least recently used entries, and those of no other', async () => {
    const inside = new RunInContext({ maxEntries: 100, quota: { maxEntries: 3 } });
    inside.write(inside.key(0, { tenant: 'beta' }), 'x');
    for (const name of [1, 2, 3]) inside.write(inside.key(name), 'x');
    inside.value(inside.key(1));
    for (const name of [4, 5]) inside.write(inside.key(name), 'x');
    expect(there(inside, [1, 2, 3, 4, 5], 'acme')).toEqual([1, 4, 5]);
    expect(there(inside, [0], 'beta')).toEqual([0]);
    expect(await inside.backend.info()).toMatchObject({ details: { tenants: 2, quotaDisplaced: 2, quotaRejected: 0 } });
    expect(inside.key(1).space.stats.displaced).toBe(2);
  });

  it('users and namespaces of a tenant share its quota', () => {
    const inside = new RunInContext({ maxEntries: 100, quota: { maxEntries: 2 } });
    inside.write(inside.key(1, { user: 'ann' }), 'x');
    inside.write(inside.key(2, { namespace: 'dogs' }), 'x');
    inside.write(inside.key(3), 'x');
    expect(inside.store.size).toBe(2);
    expect(inside.value(inside.key(1, { user: 'ann' }))).toBeUndefined();
  });

  it('by bytes: one large entry displaces as many of the tenant’s own as it needs', () => {
    const inside = new RunInContext({ maxBytes: 100_000, quota: { maxBytes: 5_000 } });
    for (let name = 0; name < 10; name++) inside.write(inside.key(name, { tenant: 'beta' }), 'x');
    for (let name = 0; name < 10; name++) inside.write(inside.key(name), 'x');
    inside.write(inside.key('large'), 'x'.repeat(3_000));
    expect(inside.value(inside.key('large'))).toHaveLength(3_000);
    expect(held(inside).actual.get('t.acme')!.bytes).toBeLessThanOrEqual(5_000);
    expect(there(inside, [...Array(10).keys()], 'beta')).toHaveLength(10);
    expect(() => inside.write(inside.key('huge'), 'x'.repeat(6_000))).toThrow(ValueTooLargeError);
  });

  it('global entries have no quota', () => {
    const inside = new RunInContext({ maxEntries: 100, quota: { maxEntries: 2 } });
    const space = inside.keyFactory.space(inside.scope(), 'global', 'rates');
    for (let name = 0; name < 50; name++) inside.write(inside.keyFactory.key(space, [name], undefined), 'x');
    expect(inside.store.size).toBe(50);
  });

  it('without a quota tenants share everything', () => {
    const inside = new RunInContext({ maxEntries: 10 });
    for (let name = 0; name < 10; name++) inside.write(inside.key(name), 'x');
    expect(inside.store.size).toBe(10);
    expect(inside.store.quota).toBeUndefined();
  });

  it.each([1, 2, 3])('the accounts agree with what is stored, whatever happens (seed %i)', async (seed) => {
    const inside = new RunInContext({ maxEntries: 60, maxBytes: 30_000, quota: { maxEntries: 20, maxBytes: 9_000 } });
    const random = seededRandom(seed);
    const tenants = ['acme', 'beta', 'gamma', 'delta'];
    for (let step = 0; step < 3_000; step++) {
      const tenant = tenants[Math.floor(random() * tenants.length)]!;
      const key = inside.key(Math.floor(random() * 60), { tenant, tags: ['red'] });
      const act = random();
      if (act < 0.5) inside.write(key, 'x'.repeat(random() * 600), 1 + Math.floor(random() * 100));
      else if (act < 0.8) inside.value(key);
      else if (act < 0.9) inside.backend.evict([key]);
      else if (act < 0.92) inside.backend.expire(key, 50, 50);
      else if (act < 0.94) void inside.backend.invalidate(key.space.partition, [inside.tag('red', { tenant })]);
      else if (act < 0.95) await inside.backend.clear(inside.view({ tenant }));
      else if (act < 0.96) await inside.removeMatching('1*', { tenant });
      else await inside.clock.advance(3);
      if (step % 50 === 0) {
        const { believed, actual } = held(inside);
        expect(believed).toEqual(actual);
        for (const { entries, bytes } of actual.values()) {
          expect(entries).toBeLessThanOrEqual(20);
          expect(bytes).toBeLessThanOrEqual(9_000);
        }
        inside.assertConsistent({ maxEntries: 60, maxBytes: 30_000 });
      }
    }
    await inside.backend.clearEverything();
    expect(held(inside).believed.size).toBe(0);
  });

  describe('onExceeded: reject', () => {
    const REJECT: MemoryOptions = { maxEntries: 100, quota: { maxEntries: 2, onExceeded: 'reject' } };

    it('nothing new is stored, what is there stays and may be replaced', async () => {
      const inside = new RunInContext(REJECT);
      for (const name of [1, 2]) inside.write(inside.key(name), 'x');
      expect(() => inside.write(inside.key(3), 'x')).toThrow(QuotaExceededError);
      inside.write(inside.key(1), 'y');
      expect(there(inside, [1, 2, 3], 'acme')).toEqual([1, 2]);
      expect(inside.value(inside.key(1))).toBe('y');
      inside.write(inside.key(3, { tenant: 'beta' }), 'x');
      expect(await inside.backend.info()).toMatchObject({ details: { quotaDisplaced: 0, quotaRejected: 1 } });
    });

    it('what has expired or was invalidated makes room', async () => {
      const inside = new RunInContext(REJECT);
      inside.write(inside.key(1), 'x', 10);
      inside.write(inside.key(2, { tags: ['red'] }), 'x');
      await inside.clock.advance(11);
      inside.write(inside.key(3), 'x');
      void inside.backend.invalidate(inside.key(2).space.partition, [inside.tag('red')]);
      inside.write(inside.key(4), 'x');
      expect(there(inside, [1, 2, 3, 4], 'acme')).toEqual([3, 4]);
    });

    it('a loader’s result reaches its caller, and the refusal is an event; a set fails', async () => {
      const rig = new Rig({ backend: memory(REJECT) });
      for (const name of [1, 2]) await rig.set(name, 'x');
      expect(await rig.load(3, async () => 'loaded')).toBe('loaded');
      expect(rig.recorded.events.find(({ type }) => type === 'refused')).toMatchObject({ reason: 'quota' });
      expect(await errorOf(rig.set(3, 'x'))).toMatchObject({ code: 'CACHE_QUOTA' });
      expect(await rig.load(3, async () => 'again')).toBe('again');
    });
  });

  it.each<[QuotaOptions, string]>([
    [{ maxEntries: 0 }, 'memory.quota.maxEntries'],
    [{ maxEntries: 101 }, 'memory.quota.maxEntries'],
    [{ maxBytes: 1 }, 'memory.quota.maxBytes'],
    [{ maxBytes: 1e12 }, 'memory.quota.maxBytes'],
    [{ onExceeded: 'drop' as never }, 'memory.quota.onExceeded'],
    [[] as never, 'memory.quota'],
  ])('%p is refused by name', (quota, option) => {
    const make = (): unknown => memory({ maxEntries: 100, quota });
    expect(make).toThrow(CacheConfigError);
    expect(make).toThrow(`${option}: `);
  });

  it('a quarter of everything, unless said otherwise', () => {
    const inside = new RunInContext({ maxEntries: 100, maxBytes: 100_000, quota: {} });
    const { bounds } = inside.store.quota as unknown as { bounds: Quota['figures'] };
    expect(bounds).toEqual({ maxEntries: 25, maxBytes: 25_000, onExceeded: 'displace-own' });
  });
});

/** What memory holds, keys and reads are so many times as many when suites run whole. */
const SCALE = soaking(3, 1);

/** Tenants that read the same few keys over and over, beside one that reads every key once. */
function hitRateOfOthers(options: MemoryOptions, scanners: number): number {
  const inside = new RunInContext(options);
  const random = seededRandom(7);
  const tenants = Array.from({ length: 63 }, (_, index) => `t${index}`);
  let [reads, hits] = [0, 0];
  for (let step = 0; step < 12_000 * SCALE; step++) {
    const tenant = tenants[Math.floor(random() * tenants.length)]!;
    const key = inside.key(Math.floor(random() ** 2 * 20 * SCALE), { tenant });
    if (step > 4_000 * SCALE) reads++;
    if (inside.value(key) === undefined) inside.write(key, step);
    else if (step > 4_000 * SCALE) hits++;
    // Five reads of them for one of all others.
    for (let more = 0; scanners > 0 && more < 5; more++) {
      inside.write(inside.key(`scan-${step}-${more}`, { tenant: `scanner ${(step + more) % scanners}` }), more);
    }
  }
  return hits / reads;
}

describe('P12 in small: one tenant of 64 reads everything once', () => {
  it('with quotas the others keep at least 95 % of the hit rate they have alone; without, they do not', () => {
    const bounds = { maxEntries: 2_000 * SCALE };
    const alone = hitRateOfOthers({ ...bounds, quota: {} }, 0);
    expect(alone).toBeGreaterThan(0.9);
    expect(hitRateOfOthers({ ...bounds, quota: {} }, 1) / alone).toBeGreaterThan(0.95);
    expect(hitRateOfOthers(bounds, 1) / alone).toBeLessThan(0.95);
  });

  it.each([
    ['several scan at once', 2_000, 5],
    ['memory is no larger than what the others need', 1_260, 1],
  ])('the same where %s', (_, entries, scanners) => {
    const maxEntries = entries * SCALE;
    const alone = hitRateOfOthers({ maxEntries, quota: {} }, 0);
    expect(hitRateOfOthers({ maxEntries, quota: {} }, scanners) / alone).toBeGreaterThan(0.95);
  });
});

describe('a memory that is full', () => {
  const write = (inside: RunInContext, tenant: string, names: readonly number[], value = 'x'): void => {
    for (const name of names) inside.write(inside.key(name, { tenant }), value);
  };
  const upTo = (count: number): number[] => [...Array(count).keys()];

  it('a tenant above an even share makes room before those within it, although theirs was not used for longer', () => {
    const inside = new RunInContext({ maxEntries: 12, quota: { maxEntries: 10 } });
    write(inside, 'small', upTo(3));
    write(inside, 'large', upTo(12));
    expect(there(inside, upTo(3), 'small')).toEqual([0, 1, 2]);
    expect(there(inside, upTo(12), 'large')).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('by bytes as well; what was just stored stays, however large it is', () => {
    const inside = new RunInContext({ maxBytes: 4_000, quota: { maxBytes: 4_000 } });
    write(inside, 'small', upTo(5));
    write(inside, 'large', upTo(1), 'y'.repeat(3_000));
    expect(there(inside, [0], 'large')).toEqual([0]);
    const left = there(inside, upTo(5), 'small').length;
    write(inside, 'large', [1, 2, 3], 'y'.repeat(200));
    expect(there(inside, [0, 1, 2, 3], 'large')).toEqual([1, 2, 3]);
    expect(there(inside, upTo(5), 'small')).toHaveLength(left);
  });

  it('a tenant within an even share takes the place of what was not used for longest', () => {
    const inside = new RunInContext({ maxEntries: 12, quota: { maxEntries: 10 } });
    write(inside, 'large', upTo(9));
    write(inside, 'small', upTo(5));
    expect(there(inside, upTo(5), 'small')).toHaveLength(5);
    expect(there(inside, upTo(9), 'large')).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  it('what has expired goes first, of whichever tenant', async () => {
    const inside = new RunInContext({ maxEntries: 12, quota: { maxEntries: 10 } });
    inside.write(inside.key(0, { tenant: 'small' }), 'x', 1_000);
    write(inside, 'large', upTo(9));
    write(inside, 'small', [1, 2]);
    await inside.clock.advance(1_001);
    write(inside, 'large', [9]);
    expect(there(inside, upTo(10), 'large')).toHaveLength(10);
  });

  it('also what has expired behind a protected older record', async () => {
    const inside = new RunInContext({ maxEntries: 100, quota: { maxEntries: 100 } });
    write(inside, 'steady', [0]);
    for (const tenant of upTo(9)) {
      for (const name of upTo(9)) inside.write(inside.key(name, { tenant: `gone ${tenant}` }), 'x', 1_000);
    }
    write(inside, 'busy', upTo(18));
    await inside.clock.advance(1_001);
    write(inside, 'busy', upTo(78));
    expect(there(inside, upTo(78), 'busy')).toHaveLength(78);
    expect(there(inside, [0], 'steady')).toEqual([0]);
    inside.assertConsistent({ maxEntries: 100 });
  });

  it('the scan for expired records starts anew when the store is cleared', async () => {
    const inside = new RunInContext({ maxEntries: 12, quota: { maxEntries: 10 } });
    for (const name of upTo(3)) inside.write(inside.key(name, { tenant: 'small' }), 'x', 1_000);
    for (const name of upTo(10)) inside.write(inside.key(name, { tenant: 'large' }), 'x', 1_000);
    inside.store.clear();
    await inside.clock.advance(1_001);
    write(inside, 'small', upTo(3));
    write(inside, 'large', upTo(12));
    expect(inside.store.size).toBe(12);
    inside.assertConsistent({ maxEntries: 12 });
  });

  it('tenants above an even share make room one after the other, however many are within it', () => {
    const inside = new RunInContext({ maxEntries: 400, quota: { maxEntries: 150 } });
    const small = upTo(100).map((number) => `small ${number}`);
    for (const tenant of small) write(inside, tenant, [0]);
    for (const tenant of ['large', 'as large']) write(inside, tenant, upTo(150));
    for (const name of [1, 2]) for (const tenant of small) write(inside, tenant, [name]);
    for (const tenant of small) expect(there(inside, [0, 1, 2], tenant)).toEqual([0, 1, 2]);
  });
});
