import { describe, expect, it } from '@jest/globals';
import { compileGlob } from '../../../../lib/core/keys/glob.js';
import type { Lease } from '../../../../lib/core/backend.js';
import type { Key } from '../../../../lib/core/keys/key.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';
import { RunInContext, type Where } from '../support/inside.js';

function granted(inside: RunInContext, key: Key, leaseMs = 60_000): Lease {
  const reply = inside.backend.lease(key, { leaseMs, purpose: 'missing' });
  if (reply.kind !== 'granted') throw new Error(`the lease was ${reply.kind}`);
  return reply.lease;
}

function partitions(inside: RunInContext): string[] {
  return Array.from(inside.store.allPartitions(), ({ partition }) => partition);
}

describe('partitions', () => {
  it('are forgotten as soon as they hold neither entries nor leases', async () => {
    const inside = new RunInContext();
    const [a, b] = [inside.key('a'), inside.key('b', { tenant: 'beta' })];
    inside.write(a, 1);
    const lease = granted(inside, b);
    expect(partitions(inside)).toEqual(['t.acme', 't.beta']);
    inside.backend.evict([a]);
    expect(partitions(inside)).toEqual(['t.beta']);
    await inside.backend.release(lease);
    expect(partitions(inside)).toEqual([]);
    inside.write(a, 1, 5);
    await inside.clock.advance(5);
    expect((await inside.backend.usage(undefined)).entries).toBe(0);
    expect(partitions(inside)).toEqual([]);
  });

  it('are not made by reads, nor by invalidating what is not there', async () => {
    const inside = new RunInContext();
    const key = inside.key('a', { tags: ['x'] });
    inside.backend.read(key);
    inside.backend.evict([key]);
    await inside.backend.invalidate(key.space.partition, [inside.tag('x')]);
    await inside.backend.clear(inside.view());
    await inside.removeMatching('*');
    expect(() => inside.write(key, () => 1)).toThrow();
    expect(partitions(inside)).toEqual([]);
  });

  it('that are created anew are other ones: a fill from before is refused (invariant 4)', async () => {
    const inside = new RunInContext();
    const key = inside.key('a');
    const old = granted(inside, key);
    inside.backend.evict([key]);
    expect(partitions(inside)).toEqual([]);
    // The new life has counted just as far, and has a lease on the same key.
    const young = granted(inside, key);
    expect(young.stamp).toBe(old.stamp);
    expect(young.generation).not.toBe(old.generation);
    expect(inside.backend.fill({ ...old, token: young.token }, inside.draft(key, 'old'))).toBe('lease-lost');
    expect(inside.backend.renew({ ...old, token: young.token }, 1_000)).toBe(false);
    expect(inside.backend.fill(young, inside.draft(key, 'new'))).toBe('stored');
    expect(inside.value(key)).toBe('new');
  });

  it('an entry from before a partition was created anew does not survive its required stamp', () => {
    const inside = new RunInContext();
    const key = inside.key('a');
    inside.write(key, 'old');
    const { entry } = inside.backend.read(key);
    inside.backend.evict([key]);
    inside.write(key, 'new');
    const { required } = inside.backend.read(key);
    expect(entry?.generation).not.toBe(required.generation);
  });
});

describe('a record that has left the store', () => {
  it('still has its identity, for callers that refer to it', () => {
    const inside = new RunInContext();
    const [a, b] = [inside.key('a'), inside.key('b')];
    inside.write(a, 'A');
    inside.write(b, 'B');
    const { entry } = inside.backend.read(a);
    inside.backend.evict([a]);
    expect(entry?.identity).toBe(a.id);
    expect(entry?.value).toBe('A');
    const replaced = inside.backend.read(b).entry;
    inside.write(b, 'B2');
    inside.write(a, 'A2');
    expect(replaced?.identity).toBe(b.id);
    expect(replaced?.value).toBe('B');
  });
});

describe('labels', () => {
  it('beyond two thousand in a tenant, the oldest are forgotten by raising the minimum stamp: too much is invalid, never too little', async () => {
    const inside = new RunInContext();
    const [early, tagged, stranger] = [
      inside.key('early'),
      inside.key('tagged', { tags: ['first'] }),
      inside.key('stranger', { tenant: 'beta' }),
    ];
    for (const key of [early, tagged, stranger]) inside.write(key, 'old');
    const { partition } = early.space;
    await inside.backend.invalidate(partition, [inside.tag('first')]);
    const late = inside.key('late', { tags: ['last'] });
    for (let index = 0; index < 2_000; index++) {
      if (index === 1_500) inside.write(late, 'young');
      await inside.backend.invalidate(partition, [inside.tag(`t${index}`)]);
    }
    expect(inside.value(tagged)).toBeUndefined();
    expect(inside.value(early)).toBeUndefined();
    expect(inside.value(late)).toBe('young');
    expect(inside.value(stranger)).toBe('old');
    await inside.backend.invalidate(partition, [inside.tag('last')]);
    expect(inside.value(late)).toBeUndefined();
  });

  it('what the raised minimum stamp removed is not counted as live by a later clear', async () => {
    const inside = new RunInContext();
    const key = inside.key('early');
    inside.write(key, 'old');
    for (let index = 0; index <= 2_000; index++) {
      await inside.backend.invalidate(key.space.partition, [inside.tag(`t${index}`)]);
    }
    inside.write(inside.key('late'), 'young');
    expect(await inside.backend.clear(inside.view())).toBe(1);
  });
});

describe('shared metadata', () => {
  it('is shared by records that have everything else in common, and does not pile up with invalidations', async () => {
    const inside = new RunInContext();
    for (let round = 0; round < 100; round++) {
      for (let index = 0; index < 5; index++) inside.write(inside.key(index, { tags: ['x'] }), round);
      await inside.backend.invalidate(inside.key(0).space.partition, [inside.tag('x')]);
    }
    const [group] = inside.store.groups(undefined);
    const shared = new Set(Array.from(group!.records.values(), ({ metadata }) => metadata));
    expect(shared.size).toBe(1);
    expect(group!.sharedMetadata?.size ?? 1).toBe(1);
  });

  it('a fill whose lease is older than an invalidation elsewhere has metadata of its own', async () => {
    const inside = new RunInContext();
    const [old, young] = [inside.key('old'), inside.key('young')];
    const lease = granted(inside, old);
    await inside.backend.invalidate(old.space.partition, [inside.tag('unrelated')]);
    inside.write(young, 1);
    expect(inside.backend.fill(lease, inside.draft(old, 1))).toBe('stored');
    const { entry } = inside.backend.read(old);
    expect(entry?.stamp).toBe(lease.stamp);
    expect(inside.backend.read(young).entry?.stamp).toBe(lease.stamp + 1);
  });
});

describe('what has been invalidated', () => {
  it('is not counted, is loaded anew, and is no longer there once it was counted', async () => {
    const inside = new RunInContext();
    const [one, other] = [inside.key('one', { tags: ['cats'] }), inside.key('other')];
    for (const key of [one, other]) inside.write(key, 1);
    await inside.backend.invalidate(one.space.partition, [inside.tag('cats')]);
    expect(inside.backend.lease(one, { leaseMs: 1_000, purpose: 'missing' })).toMatchObject({ kind: 'granted' });
    expect(inside.backend.lease(other, { leaseMs: 1_000, purpose: 'missing' })).toMatchObject({ kind: 'found' });
    expect((await inside.backend.usage(undefined)).entries).toBe(1);
    expect([inside.store.size, inside.store.peek(one)]).toEqual([1, undefined]);
  });
});

describe('leases', () => {
  it('that were never released do not pile up', async () => {
    const inside = new RunInContext();
    for (let index = 0; index < 5_000; index++) {
      granted(inside, inside.key(index), 10);
      if (index % 100 === 0) await inside.clock.advance(10);
    }
    const [partition] = [...inside.store.allPartitions()];
    expect(partition?.leases?.size).toBeLessThan(1_100);
  });

  it('ten thousand at once are granted without scanning each other every time', () => {
    const inside = new RunInContext();
    for (let index = 0; index < 3_000; index++) granted(inside, inside.key(index));
    const [partition] = [...inside.store.allPartitions()];
    let looks = 0;
    const leases = partition!.leases!;
    const iterate = leases[Symbol.iterator].bind(leases);
    leases[Symbol.iterator] = () => (looks++, iterate());
    for (let index = 3_000; index < 10_000; index++) granted(inside, inside.key(index));
    expect(looks).toBeLessThan(5);
  });
});

/** Counts how often long scans yield. */
class CountingClock extends FakeClock {
  breaths = 0;
  meanwhile: (() => void) | undefined;

  override async breathe(): Promise<void> {
    this.breaths++;
    this.meanwhile?.();
    await super.breathe();
  }
}

describe('scans over many entries', () => {
  function filled(count: number, where: Where = {}, options = {}): RunInContext<CountingClock> {
    const inside = new RunInContext(options, { clock: new CountingClock() });
    for (let index = 0; index < count; index++) inside.write(inside.key(index, where), index);
    return inside;
  }

  it('let others work in between, and invalidate everything before they begin', async () => {
    const inside = filled(7_000);
    const clearing = inside.backend.clear(inside.view());
    expect(inside.value(inside.key(0))).toBeUndefined();
    expect(inside.value(inside.key(6_999))).toBeUndefined();
    expect(await clearing).toBe(7_000);
    expect(inside.clock.breaths).toBe(3);
    expect(inside.store.size).toBe(0);
    inside.assertConsistent();
  });

  it('a clear counts what was live when it began, also what is displaced meanwhile', async () => {
    const inside = filled(5_000, {}, { maxEntries: 5_000 });
    let index = 0;
    inside.clock.meanwhile = () => {
      for (let more = 0; more < 700; more++) inside.write(inside.key(index++, { tenant: 'beta' }), 1);
    };
    expect(await inside.backend.clear(inside.view())).toBe(5_000);
    inside.clock.meanwhile = undefined;
    expect((await inside.backend.usage(inside.view({ tenant: 'beta' }))).entries).toBe(index);
    inside.assertConsistent({ maxEntries: 5_000 });
  });

  it('… or replaced, evicted, or expires meanwhile', async () => {
    const inside = filled(5_000);
    let round = 0;
    inside.clock.meanwhile = () => {
      round++;
      for (let at = 0; at < 100; at++) {
        inside.write(inside.key(round * 100 + at), 'new');
        inside.backend.evict([inside.key(1_000 + round * 100 + at)]);
      }
    };
    expect(await inside.backend.clear(inside.view())).toBe(5_000);
    expect((await inside.backend.usage(inside.view())).entries).toBe(round * 100);
    expect(inside.value(inside.key(100))).toBe('new');
    inside.assertConsistent();
  });

  it('does not count what a tag had invalidated before, even when that tag is invalidated again meanwhile', async () => {
    const inside = filled(4_500, { tags: ['x'] });
    await inside.backend.invalidate(inside.key(0).space.partition, [inside.tag('x')]);
    inside.clock.meanwhile = () => void inside.backend.invalidate(inside.key(0).space.partition, [inside.tag('x')]);
    expect(await inside.removeMatching('*')).toBe(0);
  });

  it('of two removals at once the earlier one counts what both cover', async () => {
    const inside = filled(5_000);
    const [first, second] = [inside.backend.clear(inside.view()), inside.backend.clear(inside.view())];
    expect(await Promise.all([first, second])).toEqual([5_000, 0]);
    const again = filled(5_000, { user: 'ann' });
    for (let index = 0; index < 3_000; index++) again.write(again.key(index, { user: 'bob' }), 1);
    const both = [again.backend.clear(again.view({ user: 'ann' })), again.backend.clear(again.view())];
    expect(await Promise.all(both)).toEqual([5_000, 3_000]);
  });

  it('a pattern removed over many chunks refuses every load that began before, and keeps what is written meanwhile', async () => {
    const inside = filled(5_000);
    const lease = granted(inside, inside.key('p'));
    inside.clock.meanwhile = () => inside.write(inside.key('young'), 1);
    expect(await inside.removeMatching('*')).toBe(5_000);
    expect(inside.backend.fill(lease, inside.draft(lease.key, 'old'))).not.toBe('stored');
    expect(inside.value(inside.key('young'))).toBe(1);
  });

  it('a listing whose pattern matches nothing yields too', async () => {
    const inside = filled(5_000);
    const page = await inside.backend.scan({ view: inside.view(), match: compileGlob('nothing') }, undefined);
    expect(page.keys).toEqual([]);
    expect(page.cursor).toBeDefined();
  });
});

describe('a count', () => {
  it('that is used stays, while others are displaced', () => {
    const inside = new RunInContext({ maxEntries: 3 });
    const count = inside.key('count');
    for (let index = 0; index < 10; index++) {
      inside.backend.increment(count, 1, inside.draft(count, 0));
      inside.write(inside.key(index), 1);
    }
    expect(inside.value(count)).toBe(10);
  });
});
