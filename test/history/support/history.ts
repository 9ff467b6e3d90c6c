/**
 * What a cache was seen to do, and whether it may have. One process gives out the moments, so that "after" means after.
 *
 * A read is stale when it began after an invalidation of its key had settled, and returned a version older than the one
 * that was current when the invalidation was called. Sorted once and searched by halves: O(n log n).
 */
export interface Read {
  readonly key: string;
  readonly beganAt: number;
  readonly version: number;
  readonly how: string;
}

export interface Invalidation {
  readonly key: string;
  readonly settledAt: number;
  /** The version of the key that was current when the invalidation was called. */
  readonly version: number;
  readonly how: string;
}

export interface Violation {
  readonly read: Read;
  readonly missed: Invalidation;
}

export class History {
  readonly reads: Read[] = [];
  readonly invalidations: Invalidation[] = [];
  private moment = 0;

  /** @param clock what moments are told by; unless given, they are only counted */
  constructor(private readonly clock?: () => number) {}

  /** The next moment: no two events share one. */
  now(): number {
    this.moment = Math.max(this.clock?.() ?? 0, this.moment + (this.clock === undefined ? 1 : Number.MIN_VALUE));
    return this.moment;
  }

  /** Reads that began later than `afterMs` after an invalidation had settled, and missed it. */
  violations(afterMs = 0): Violation[] {
    const found: Violation[] = [];
    const byKey = grouped(this.invalidations);
    const newest = new Map<string, Invalidation[]>();
    for (const [key, all] of byKey) newest.set(key, risingVersions(all));
    for (const read of this.reads) {
      const missed = lastBefore(newest.get(read.key) ?? [], read.beganAt - afterMs);
      if (missed !== undefined && read.version < missed.version) found.push({ read, missed });
    }
    return found;
  }
}

/** How long after an invalidation had settled the last read began that missed it. */
export function worstOf(violations: readonly Violation[]): number {
  return violations.reduce((worst, { read, missed }) => Math.max(worst, read.beganAt - missed.settledAt), 0);
}

function grouped(all: readonly Invalidation[]): Map<string, Invalidation[]> {
  const groups = new Map<string, Invalidation[]>();
  for (const one of all) {
    const group = groups.get(one.key);
    if (group === undefined) groups.set(one.key, [one]);
    else group.push(one);
  }
  return groups;
}

/** In the order in which they settled, only those that ask for more than every one before. */
function risingVersions(all: readonly Invalidation[]): Invalidation[] {
  const rising: Invalidation[] = [];
  for (const one of [...all].sort((a, b) => a.settledAt - b.settledAt)) {
    if (one.version > (rising.at(-1)?.version ?? -1)) rising.push(one);
  }
  return rising;
}

function lastBefore(rising: readonly Invalidation[], moment: number): Invalidation | undefined {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]!.settledAt < moment) low = middle + 1;
    else high = middle;
  }
  return rising[low - 1];
}
