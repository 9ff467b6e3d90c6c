/**
 * The server's side: the scripts of consistency.md 4.4, each atomic, on one shard with one key. They change the shard
 * they are given. `has` says which guards are present; a line that depends on it is a guard.
 */
import type { Guards } from './whole.rules.js';
import type { Entry, Lease, Meta, Shard } from './whole.state.js';

export type Granted =
  | { readonly kind: 'hit'; readonly entry: Entry }
  | { readonly kind: 'held'; readonly lease: Lease | null }
  | { readonly kind: 'granted'; readonly lease: Lease };

/** GETL: the entry if it is live, else the lease if it is free. */
export function readOrLease(shard: Shard, token: number, has: Guards): Granted {
  ensureMeta(shard, has);
  const { entry, lease } = shard;
  if (entry !== null && isLive(shard, entry, has)) return { kind: 'hit', entry };
  if (shard.holds !== 0) return { kind: 'held', lease: null };
  if (lease !== null && lease.token !== token && !isVoid(shard, lease, has)) return { kind: 'held', lease };
  shard.lease = { token, stamp: shard.clock, generation: shard.generation };
  return { kind: 'granted', lease: shard.lease };
}

/** The race with an invalidation by label or pattern: it cannot know which leases to delete, so a lease tells its age. */
function isVoid(shard: Shard, lease: Lease, has: Guards): boolean {
  if (has.leaseGeneration && lease.generation !== shard.generation) return true;
  return lease.stamp < shard.bulk;
}

/** FILL: stored only under the lease it was loaded for, and only if nothing invalidated it since. */
export function fill(shard: Shard, filled: Entry, has: Guards): boolean {
  const { lease } = shard;
  if (lease === null || lease.token !== filled.token) return false;
  if (has.leaseByStamp && lease.stamp !== filled.stamp) return false;
  shard.lease = null;
  if (!isLive(shard, filled, has)) return false;
  if (has.patternStamp && filled.stamp < shard.pattern) return false;
  shard.entry = filled;
  if (has.indexWithFill) shard.indexed = true;
  return true;
}

/** The verdict on an entry: born under this metadata, and not before the last invalidation that covers it. */
export function isLive(meta: Meta, entry: Entry, has: Guards): boolean {
  if (has.entryGeneration && entry.generation !== meta.generation) return false;
  return entry.stamp >= meta.minimumStamp && entry.stamp >= meta.label;
}

/** EVICT: entry and lease go together, or a fill under way would bring the entry back. `holder` ends its own hold. */
export function evict(shard: Shard, holder: number, has: Guards): void {
  remove(shard);
  ensureMeta(shard, has);
  if (has.evictTicks) shard.clock += 1;
  shard.sequence += 1;
  shard.holds = has.evictSparesHolds ? shard.holds & ~(1 << holder) : 0;
}

/** EVICT with a hold: from now on no lease is granted and so nothing can be stored. */
export function hold(shard: Shard, holder: number, has: Guards): void {
  const others = has.holdPerWriter ? shard.holds : 0;
  evict(shard, holder, has);
  shard.holds = others | (1 << holder);
}

/** INVAL: one write, however many entries. */
export function invalidate(shard: Shard, has: Guards): void {
  tick(shard, has);
  shard.label = shard.clock;
  shard.bulk = shard.clock;
}

/** The first half of a pattern invalidation: whatever is being loaded now is not in the index yet. */
export function stampPattern(shard: Shard, has: Guards): void {
  tick(shard, has);
  shard.pattern = shard.clock;
  if (has.patternBulk) shard.bulk = shard.clock;
}

/** The second half: evict what the index lists. */
export function page(shard: Shard, has: Guards): void {
  ensureMeta(shard, has);
  if (shard.indexLost && has.indexMarker) {
    shard.minimumStamp = shard.clock;
    shard.indexLost = false;
  }
  if (shard.indexed) remove(shard);
}

/** Any invalidation of something else in this shard. */
export function tick(shard: Shard, has: Guards): void {
  ensureMeta(shard, has);
  shard.clock += 1;
  shard.sequence += 1;
}

function remove(shard: Shard): void {
  shard.entry = null;
  shard.lease = null;
  shard.indexed = false;
}

/** Loss is safe because lost metadata never comes back equal: a new generation, and a clock that only went forward. */
function ensureMeta(shard: Shard, has: Guards): void {
  if (shard.generation !== 0) return;
  shard.lastGeneration += 1;
  shard.generation = shard.lastGeneration;
  shard.clock = has.clockFromTime ? shard.clock + 1 : 0;
  shard.minimumStamp = shard.clock;
  shard.bulk = shard.clock;
}

/** The metadata of the shard is gone: displaced, expired, deleted by someone. Its last clock stands for the time it was. */
export function loseMeta(shard: Shard): void {
  shard.generation = 0;
  shard.minimumStamp = 0;
  shard.bulk = 0;
  shard.pattern = 0;
  shard.label = 0;
  shard.sequence = 0;
}

/** An index that is gone lists nothing, and fills since then make it look whole again. */
export function loseIndex(shard: Shard): void {
  shard.indexed = false;
  shard.indexLost = true;
}
