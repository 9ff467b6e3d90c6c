import { describe, it } from '@jest/globals';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Lease } from '../../../../lib/core/backend.js';
import { compileGlob } from '../../../../lib/core/keys/glob.js';
import { visibleKey, type Key } from '../../../../lib/core/keys/key.js';
import type { Label } from '../../../../lib/core/keys/label.js';
import type { View } from '../../../../lib/core/keys/space.js';
import { RunInContext, type Where } from '../support/inside.js';
import { runs } from '../../../support/soak.js';

const PLACES: readonly Where[] = [
  {},
  { user: 'ann' },
  { user: 'bob' },
  { tenant: 'beta' },
  { tenant: 'beta', user: 'ann' },
  { namespace: 'dogs' },
  { namespace: 'dogs', user: 'ann' },
];
const NAMES = ['a', 'b', 'ab'] as const;
const TAGS: readonly (readonly string[])[] = [[], ['x'], ['y'], ['x', 'y']];
const PATTERNS = ['*', 'a*', '?', 'b', 'nothing'] as const;

interface Held {
  readonly lease: Lease;
  readonly labels: readonly Label[];
  endsAtMs: number;
  isCurrent: boolean;
  /** A bulk invalidation came since: void for later callers. */
  isVoid: boolean;
  /** Something that covers it was invalidated since. */
  isCondemned: boolean;
}

interface Kept {
  readonly key: Key;
  readonly value: unknown;
  readonly labels: readonly Label[];
  freshUntilMs: number;
  keptUntilMs: number;
}

/** What a backend should do, as plainly as possible: an invalidation removes what it covers, synchronously. */
class Model {
  readonly entries = new Map<string, Kept>();
  readonly leases: Held[] = [];

  constructor(private readonly inside: RunInContext) {}

  live(id: string): Kept | undefined {
    const kept = this.entries.get(id);
    return kept !== undefined && this.inside.clock.monotonicMs() < kept.keptUntilMs ? kept : undefined;
  }

  fresh(id: string): Kept | undefined {
    const kept = this.live(id);
    return kept !== undefined && this.inside.clock.monotonicMs() < kept.freshUntilMs ? kept : undefined;
  }

  current(id: string): Held | undefined {
    return this.leases.find(
      (held) => held.isCurrent && held.lease.key.id === id && this.inside.clock.monotonicMs() < held.endsAtMs,
    );
  }

  store(key: Key, value: unknown, freshForMs: number, graceMs: number): void {
    const freshUntilMs = this.inside.clock.monotonicMs() + freshForMs;
    this.entries.set(key.id, { key, value, labels: key.labels, freshUntilMs, keptUntilMs: freshUntilMs + graceMs });
  }

  voidLease(id: string): void {
    for (const held of this.leases) if (held.lease.key.id === id) held.isCurrent = false;
  }

  /** Takes out what the test says; how many were live. */
  takeOut(partition: string, covers: (kept: Kept) => boolean, condemns: (held: Held) => boolean): number {
    let count = 0;
    for (const kept of this.entries.values()) {
      if (kept.key.space.partition !== partition || !covers(kept)) continue;
      if (this.live(kept.key.id) !== undefined) count++;
      this.entries.delete(kept.key.id);
    }
    for (const held of this.leases) {
      if (held.lease.key.space.partition !== partition) continue;
      held.isVoid = true;
      if (condemns(held)) held.isCondemned = true;
    }
    return count;
  }
}

function isIn(view: View, { space }: Key): boolean {
  if (view.partition !== space.partition || (view.path !== undefined && view.path !== space.path)) return false;
  return view.namespace === undefined || space.name === `${space.path}/${view.namespace}`;
}

type Step = (inside: RunInContext, model: Model) => Promise<void> | void;

const anyKey = fc.record({
  place: fc.constantFrom(...PLACES),
  name: fc.constantFrom(...NAMES),
  tags: fc.constantFrom(...TAGS),
});
const anyTtl = fc.record({ fresh: fc.constantFrom(5, 20, 100_000), grace: fc.constantFrom(0, 10) });
const keyOf = (inside: RunInContext, of: { place: Where; name: string; tags: readonly string[] }): Key =>
  inside.key(of.name, { ...of.place, tags: of.tags });

const writes = fc
  .tuple(anyKey, fc.integer({ min: 0, max: 9 }), anyTtl)
  .map(([of, value, { fresh, grace }]): Step => (inside, model) => {
    const key = keyOf(inside, of);
    inside.write(key, value, fresh, fresh + grace);
    model.store(key, value, fresh, grace);
    model.voidLease(key.id);
  });
const evicts = fc.array(anyKey, { minLength: 1, maxLength: 3 }).map((ofs): Step => (inside, model) => {
  const keys = ofs.map((of) => keyOf(inside, of));
  const ids = new Set(keys.map(({ id }) => id));
  const expected = [...ids].filter((id) => model.live(id) !== undefined).length;
  assert.equal(inside.backend.evict(keys), expected);
  for (const id of ids) {
    model.entries.delete(id);
    model.voidLease(id);
  }
});
const invalidations = fc
  .tuple(fc.constantFrom(...PLACES), fc.constantFrom('x', 'y', 'namespace', 'user'))
  .map(([place, kind]): Step => async (inside, model) => {
    const { space } = inside.key('a', place);
    const label = kind === 'namespace' ? space.labels[0] : kind === 'user' ? space.labels[1] : inside.tag(kind, place);
    if (label === undefined) return;
    await inside.backend.invalidate(space.partition, [label]);
    const carries = ({ labels }: { labels: readonly Label[] }): boolean => labels.includes(label);
    model.takeOut(space.partition, carries, carries);
  });
const clears = fc
  .tuple(fc.constantFrom(...PLACES), fc.boolean())
  .map(([place, isWide]): Step => async (inside, model) => {
    const view = inside.view(isWide ? { tenant: place.tenant, user: place.user } : { namespace: 'cats', ...place });
    const count = await inside.backend.clear(view);
    assert.equal(
      count,
      model.takeOut(
        view.partition,
        ({ key }) => isIn(view, key),
        ({ lease }) => isIn(view, lease.key),
      ),
    );
  });
const patterns = fc
  .tuple(fc.constantFrom(...PLACES), fc.constantFrom(...PATTERNS))
  .map(([place, pattern]): Step => async (inside, model) => {
    const view = inside.view({ namespace: 'cats', ...place });
    const match = compileGlob(pattern);
    const count = await inside.backend.removeMatching({ view, match });
    assert.equal(
      count,
      model.takeOut(
        view.partition,
        ({ key }) => isIn(view, key) && match.test(visibleKey(key.id)),
        () => true,
      ),
    );
  });
const leases = fc
  .tuple(anyKey, fc.constantFrom('missing' as const, 'refresh' as const, 'replace' as const), fc.constantFrom(7, 1_000))
  .map(([of, purpose, leaseMs]): Step => (inside, model) => {
    const key = keyOf(inside, of);
    const reply = inside.backend.lease(key, { leaseMs, purpose });
    const current = model.current(key.id);
    if (purpose === 'missing' && model.fresh(key.id) !== undefined) assert.equal(reply.kind, 'found');
    else if (purpose !== 'replace' && current !== undefined && !current.isVoid)
      assert.deepEqual(reply, { kind: 'held', token: current.lease.token });
    else {
      assert.equal(reply.kind, 'granted');
      if (reply.kind !== 'granted') return;
      model.voidLease(key.id);
      const endsAtMs = inside.clock.monotonicMs() + leaseMs;
      model.leases.push({
        lease: reply.lease,
        labels: key.labels,
        endsAtMs,
        isCurrent: true,
        isVoid: false,
        isCondemned: false,
      });
    }
  });
const lessees = fc
  .tuple(fc.nat(), fc.constantFrom('fill', 'fill', 'renew', 'release'), fc.integer({ min: 10, max: 19 }))
  .map(([at, act, value]): Step => async (inside, model) => {
    const held = model.leases[at % Math.max(1, model.leases.length)];
    if (held === undefined) return;
    const { lease } = held;
    const isHeld = model.current(lease.key.id) === held;
    if (act === 'renew') {
      assert.equal(inside.backend.renew(lease, 50), isHeld);
      if (isHeld) held.endsAtMs = inside.clock.monotonicMs() + 50;
    } else if (act === 'release') {
      await inside.backend.release(lease);
      held.isCurrent = false;
    } else {
      const outcome = inside.backend.fill(lease, inside.draft(lease.key, value));
      assert.equal(outcome, !isHeld ? 'lease-lost' : held.isCondemned ? 'invalidated' : 'stored');
      if (outcome === 'stored') model.store(lease.key, value, 3_600_000, 0);
      if (isHeld) held.isCurrent = false;
    }
  });
const counts = fc.tuple(anyKey, fc.constantFrom(1, -3)).map(([of, by]): Step => (inside, model) => {
  const key = keyOf(inside, of);
  const before = model.fresh(key.id);
  const after = ((before?.value as number | undefined) ?? 0) + by;
  assert.equal(inside.backend.increment(key, by, inside.draft(key, 0)), after);
  if (before === undefined) model.store(key, after, 3_600_000, 0);
  else model.entries.set(key.id, { ...before, value: after });
  model.voidLease(key.id);
});
const lives = fc.tuple(anyKey, anyTtl).map(([of, { fresh, grace }]): Step => (inside, model) => {
  const { id } = keyOf(inside, of);
  const kept = model.fresh(id);
  assert.equal(inside.backend.expire(keyOf(inside, of), fresh, fresh + grace), kept !== undefined);
  if (kept === undefined) return;
  kept.freshUntilMs = inside.clock.monotonicMs() + fresh;
  kept.keptUntilMs = kept.freshUntilMs + grace;
});
const passing = fc.constantFrom(1, 4, 9).map(
  (ms): Step =>
    (inside) =>
      inside.clock.advance(ms),
);
const usages = fc.constantFrom(...PLACES).map((place): Step => async (inside, model) => {
  const view = inside.view(place);
  const live = [...model.entries.values()].filter(({ key }) => isIn(view, key) && model.live(key.id) !== undefined);
  assert.equal((await inside.backend.usage(view)).entries, live.length);
  const { keys } = await inside.backend.scan({ view, match: compileGlob('*') }, undefined);
  assert.deepEqual([...keys].sort(), live.map(({ key }) => visibleKey(key.id)).sort());
});

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: writes },
    { weight: 4, arbitrary: leases },
    { weight: 4, arbitrary: lessees },
    { weight: 2, arbitrary: evicts },
    { weight: 2, arbitrary: invalidations },
    { weight: 1, arbitrary: clears },
    { weight: 1, arbitrary: patterns },
    { weight: 1, arbitrary: counts },
    { weight: 1, arbitrary: lives },
    { weight: 2, arbitrary: passing },
    { weight: 1, arbitrary: usages },
  ),
  { maxLength: 60 },
);

function assertReads(inside: RunInContext, model: Model): void {
  for (const place of PLACES) {
    for (const name of NAMES) {
      const key = inside.key(name, place);
      assert.equal(inside.value(key), model.fresh(key.id)?.value);
    }
  }
}

describe('memory, whatever calls come in whatever order,', () => {
  it('answers as the model does, and index and store agree after every step', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const inside = new RunInContext();
        const model = new Model(inside);
        for (const step of all) {
          await step(inside, model);
          inside.assertConsistent();
        }
        assertReads(inside, model);
        await inside.backend.clearEverything();
        for (const { lease } of model.leases) await inside.backend.release(lease);
        inside.assertConsistent();
        assert.equal(inside.store.size, 0);
        assert.deepEqual([...inside.store.allPartitions()], []);
      }),
      runs(120),
    );
  }, 60_000);
});
