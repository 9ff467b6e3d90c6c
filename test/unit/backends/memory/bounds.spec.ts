import { describe, expect, it } from '@jest/globals';
import assert from 'node:assert/strict';
import { memory } from '../../../../lib/backends/memory/memory.backend.js';
import { CacheConfigError, ValueTooLargeError } from '../../../../lib/core/errors.js';
import { seededRandom } from '../../../../lib/testing/seeded-random.js';
import { Rig } from '../../../support/machine/rig.js';
import { RunInContext } from '../support/inside.js';

const TENANTS = ['acme', 'beta', 'gamma'] as const;

describe('the bounds of memory', () => {
  it('by entries: the least recently used goes first, and is counted where it was', () => {
    const inside = new RunInContext({ maxEntries: 3 });
    const keys = ['a', 'b', 'c', 'd'].map((name) => inside.key(name, { tenant: name === 'b' ? 'beta' : 'acme' }));
    for (const key of keys.slice(0, 3)) inside.write(key, key.id);
    expect(inside.value(keys[0]!)).toBe(keys[0]!.id);
    inside.write(keys[3]!, 'd');
    expect(keys.map((key) => inside.value(key) !== undefined)).toEqual([true, false, true, true]);
    expect(keys.map(({ space }) => space.stats.displaced)).toEqual([0, 1, 0, 0]);
    inside.assertConsistent({ maxEntries: 3 });
  });

  it('by bytes: one large entry displaces as many small ones as it needs, and no more', () => {
    const inside = new RunInContext({ maxBytes: 4_096 });
    const small = Array.from({ length: 40 }, (_, index) => inside.key(index));
    for (const key of small) inside.write(key, 'x');
    const before = inside.store.size;
    expect(inside.store.usedBytes).toBeGreaterThan(3_800);
    inside.write(inside.key('large'), 'x'.repeat(2_000));
    expect(inside.value(inside.key('large'))).toHaveLength(2_000);
    expect(inside.store.usedBytes).toBeGreaterThan(3_700);
    expect(inside.store.size).toBeLessThan(before);
    inside.assertConsistent({ maxBytes: 4_096 });
  });

  it('by bytes: tags count, once for all entries that have the same', () => {
    const inside = new RunInContext();
    const tags = Array.from({ length: 32 }, (_, at) => `tag number ${at}`);
    inside.write(inside.key(0), 1);
    const before = inside.store.usedBytes;
    inside.write(inside.key(1, { tags }), 1);
    const tagged = inside.store.usedBytes - before;
    expect(tagged).toBeGreaterThan(32 * 40);
    for (let name = 2; name < 12; name++) inside.write(inside.key(name, { tags }), 1);
    expect(inside.store.usedBytes - before - tagged).toBeLessThan(10 * 200);
    for (let name = 1; name < 12; name++) inside.backend.evict([inside.key(name)]);
    expect(inside.store.usedBytes).toBe(before);
    inside.assertConsistent();
  });

  it('by bytes: tenants and what they have invalidated count, and make room like entries', async () => {
    const inside = new RunInContext({ maxBytes: 100_000 });
    const before = inside.store.usedBytes;
    for (let tenant = 0; tenant < 20; tenant++) inside.write(inside.key('a', { tenant: `t${tenant}` }), 1);
    expect(inside.store.usedBytes - before).toBeGreaterThan(20 * 800);
    inside.write(inside.key('a'), 1);
    const labels = Array.from({ length: 900 }, (_, at) => inside.tag(`tag ${at}`));
    await inside.backend.invalidate(inside.key('a').space.partition, labels);
    expect(inside.store.usedBytes).toBeLessThanOrEqual(100_000);
    expect(inside.store.size).toBeLessThan(20);
    inside.assertConsistent({ maxBytes: 100_000 });
    await inside.backend.clear(inside.view());
    await inside.backend.clearEverything();
    expect(inside.store.usedBytes).toBe(0);
  });

  it('other times of an entry, and one in its place, leave the sums as they are', () => {
    const inside = new RunInContext();
    const key = inside.key('a', { tags: ['x', 'y'] });
    inside.write(key, 1);
    const before = inside.store.usedBytes;
    expect(inside.backend.expire(key, 5_000, 9_000)).toBe(true);
    expect(inside.store.usedBytes).toBe(before);
    for (let time = 0; time < 3; time++) inside.write(key, time);
    expect(inside.store.usedBytes).toBe(before);
    inside.assertConsistent();
  });

  it('what the cache knows of tenants counts, and leaves entries half of the bound', async () => {
    const rig = new Rig({ backend: memory({ maxBytes: 200_000 }) });
    const used = async (): Promise<number> => (await rig.backend.info()).usedBytes;
    for (let user = 0; user < 50; user++) rig.space({ user: `user ${user}` });
    expect(await used()).toBeGreaterThan(50 * 800);
    for (let name = 0; name < 1_000; name++) await rig.set(name, 'x'.repeat(100));
    expect(await used()).toBeLessThanOrEqual(200_000);
    for (let user = 0; user < 1_000; user++) rig.space({ user: `other ${user}` });
    for (let name = 0; name < 1_000; name++) await rig.set(name, 'x'.repeat(100));
    const { bytes } = await rig.backend.usage(undefined);
    expect(bytes).toBeGreaterThan(90_000);
    expect(bytes).toBeLessThanOrEqual(100_000);
  });

  it('what is larger than all of memory is refused, and displaces nothing', () => {
    const inside = new RunInContext({ maxBytes: 4_096 });
    inside.write(inside.key('small'), 1);
    expect(() => inside.write(inside.key('huge'), 'x'.repeat(5_000))).toThrow(ValueTooLargeError);
    expect(inside.value(inside.key('small'))).toBe(1);
    expect(inside.store.size).toBe(1);
    inside.assertConsistent();
  });

  it('a value larger than limits.maxValueBytes is refused, by writes and by fills', () => {
    const inside = new RunInContext({}, { limits: { maxValueBytes: 1_000 } });
    const key = inside.key('a');
    expect(() => inside.write(key, 'x'.repeat(2_000))).toThrow(ValueTooLargeError);
    const reply = inside.backend.lease(key, { leaseMs: 1_000, purpose: 'missing' });
    if (reply.kind !== 'granted') throw new Error('not granted');
    expect(() => inside.backend.fill(reply.lease, inside.draft(key, 'x'.repeat(2_000)))).toThrow(ValueTooLargeError);
    expect(inside.store.size).toBe(0);
  });

  it.each([1, 2, 3])(
    'A65: hold whatever is stored, read, replaced and removed, tiny and huge, for many tenants (seed %i)',
    async (seed) => {
      const bounds = { maxEntries: 300, maxBytes: 40_000 };
      const inside = new RunInContext(bounds);
      const random = seededRandom(seed);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
      const truth = new Map<string, unknown>();
      for (let step = 0; step < 8_000; step++) {
        const key = inside.key(Math.floor(random() * 400), {
          tenant: pick(TENANTS),
          user: random() < 0.5 ? pick(['ann', 'bob']) : undefined,
          namespace: pick(['cats', 'dogs']),
        });
        const act = random();
        if (act < 0.55) {
          const value = 'x'.repeat(random() < 0.03 ? 10_000 + random() * 20_000 : random() * 60) + String(step);
          inside.write(key, value, pick([3, 200, 100_000]));
          truth.set(key.id, value);
        } else if (act < 0.85) {
          const found = inside.value(key);
          if (found !== undefined) assert.equal(found, truth.get(key.id));
        } else if (act < 0.93) {
          inside.backend.evict([key]);
          truth.delete(key.id);
        } else if (act < 0.99) await inside.clock.advance(1);
        else if (act < 0.995)
          await inside.backend.clear(inside.view({ tenant: key.space.scope.tenant, user: key.space.scope.user }));
        else await inside.backend.usage(undefined);
        assert.ok(inside.store.size <= bounds.maxEntries);
        assert.ok(inside.store.usedBytes <= bounds.maxBytes);
        if (step % 200 === 0) inside.assertConsistent(bounds);
      }
      inside.assertConsistent(bounds);
    },
    30_000,
  );

  it('what expired makes room before what lives is displaced', async () => {
    const inside = new RunInContext({ maxEntries: 100 });
    for (let index = 0; index < 50; index++) inside.write(inside.key(['old', index]), 1, 10);
    await inside.clock.advance(10);
    for (let index = 0; index < 90; index++) inside.write(inside.key(['new', index]), 1);
    expect(inside.key('any').space.stats.displaced).toBe(0);
    const { entries } = await inside.backend.usage(inside.view());
    expect(entries).toBe(90);
  });

  it.each([
    ['maxEntries', 0],
    ['maxEntries', 1.5],
    ['maxBytes', 10],
    ['maxBytes', NaN],
    ['isolate', 'deep'],
  ])('%s: %p is refused when the cache is configured', (option, value) => {
    expect(() => memory({ [option]: value })).toThrow(CacheConfigError);
    expect(() => memory({ [option]: value })).toThrow(`memory.${option}`);
  });
});
