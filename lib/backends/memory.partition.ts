import type { KeyId } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { Partition } from '../core/space.js';
import type { Barrier, Incarnation, Stamp } from '../core/stamp.js';
import type { Group } from './memory.record.js';

export interface MemoryLease {
  readonly token: string;
  readonly stamp: Stamp;
  expiresAtMs: number;
}

/** Labels remembered per partition. Beyond it the floor rises: more is invalidated than was asked for, never less. */
const MAX_LABELS = 2_000;
/** Leases beyond which the expired ones are looked for. Those in use are bounded by the flights of the engine. */
const MANY_LEASES = 1_000;

/**
 * The clock of a partition and everything measured by it: the floor (last clear), the stamps of labels, the leases. It
 * exists while it has entries or leases; a partition that comes back later has another incarnation (invariant 4).
 */
export class MemoryPartition {
  readonly groups = new Map<string, Group>();
  readonly leases = new Map<KeyId, MemoryLease>();
  /** The stamp of the last invalidation that may cover many keys. Leases older than that are void. */
  bulk: Stamp = 0;
  /** The stamp of the last invalidation by pattern: fills that began before it may match and are refused. */
  private patterned: Stamp = 0;
  private clock: Stamp = 0;
  private floor: Stamp = 0;
  private readonly labels = new Map<Label, Stamp>();

  constructor(
    readonly partition: Partition,
    readonly incarnation: Incarnation,
  ) {}

  /** The stamp of whatever begins now. */
  get now(): Stamp {
    return this.clock;
  }

  get isIdle(): boolean {
    return this.groups.size === 0 && this.leases.size === 0;
  }

  barrierFor(labels: readonly Label[]): Barrier {
    let stamp = this.floor;
    for (const label of labels) {
      const at = this.labels.get(label);
      if (at !== undefined && at > stamp) stamp = at;
    }
    return { incarnation: this.incarnation, stamp };
  }

  /** Everything with one of the labels is invalid from here on. Returns the stamp. */
  invalidate(labels: readonly Label[]): Stamp {
    this.bulk = ++this.clock;
    for (const label of labels) {
      // Re-inserted, so that the map stays in the order of stamps and the oldest come first.
      this.labels.delete(label);
      this.labels.set(label, this.bulk);
    }
    if (this.labels.size > MAX_LABELS) this.forgetOldestLabels();
    return this.bulk;
  }

  /** Everything in the partition is invalid from here on. */
  raiseFloor(): Stamp {
    this.bulk = ++this.clock;
    // Labels below the floor say nothing new, but they tell what was invalid before: counts of a clear rest on that.
    this.floor = this.bulk;
    return this.bulk;
  }

  /** Fills that are under way are refused: nobody knows yet whether they match. */
  beginPattern(): Stamp {
    this.bulk = ++this.clock;
    this.patterned = this.bulk;
    return this.bulk;
  }

  /** Whether something born at `stamp` had been invalidated by something older than `before`. */
  wasInvalidBefore(labels: readonly Label[], stamp: Stamp, before: Stamp): boolean {
    const isBetween = (at: Stamp | undefined): boolean => at !== undefined && at > stamp && at < before;
    return isBetween(this.floor) || labels.some((label) => isBetween(this.labels.get(label)));
  }

  accepts(stamp: Stamp, labels: readonly Label[]): boolean {
    return stamp >= this.patterned && stamp >= this.barrierFor(labels).stamp;
  }

  /** The lease on a key, unless it ran out or is older than the last bulk invalidation (rule G2). */
  liveLease(id: KeyId, nowMs: number): MemoryLease | undefined {
    const lease = this.leases.get(id);
    return lease !== undefined && lease.expiresAtMs > nowMs && lease.stamp >= this.bulk ? lease : undefined;
  }

  grant(id: KeyId, token: string, nowMs: number, leaseMs: number): MemoryLease {
    if (this.leases.size >= MANY_LEASES) this.dropExpiredLeases(nowMs);
    const lease = { token, stamp: this.clock, expiresAtMs: nowMs + leaseMs };
    this.leases.set(id, lease);
    return lease;
  }

  private dropExpiredLeases(nowMs: number): void {
    for (const [id, lease] of this.leases) if (lease.expiresAtMs <= nowMs) this.leases.delete(id);
  }

  private forgetOldestLabels(): void {
    for (const [label, stamp] of this.labels) {
      if (this.labels.size <= MAX_LABELS / 2) return;
      this.floor = Math.max(this.floor, stamp);
      this.labels.delete(label);
    }
  }
}
