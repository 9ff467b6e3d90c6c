import type { KeyId } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import { SmallMap } from '../../core/small-map.js';
import { PARTITION_BYTES, STAMPED_LABEL_BYTES } from './cost.js';
import { survives, type Generation, type Stamp } from '../../core/stamp.js';

export interface MemoryLease {
  readonly token: string;
  readonly stamp: Stamp;
  expiresAtMs: number;
}

/** What had been invalidated in a partition at one moment: decides what was live when a removal began. */
export interface PartitionSnapshot {
  /** The newest stamp that any record of the partition could have then. */
  readonly now: Stamp;
  wasValid(entry: {
    readonly labels: readonly Label[];
    readonly generation: Generation;
    readonly stamp: Stamp;
  }): boolean;
}

/** Labels kept per partition. Beyond it the minimum stamp rises: more is invalidated than was requested, never less. */
const MAX_LABELS = 2_000;
/** Leases beyond which expired ones are dropped. Live ones are bounded by the loads in flight of the engine. */
const MANY_LEASES = 1_000;

/**
 * The logical clock of a partition and everything ordered by it: the minimum stamp (last clear), the stamps of labels,
 * the leases. It exists while it has entries or leases; a partition that is created anew has another generation
 * (invariant 4). It does not know what a group is.
 */
export class MemoryPartition<Group = unknown> {
  readonly groups = new SmallMap<string, Group>();
  /** What it occupies beside its records: itself, its labels, its groups, and their shared metadata. */
  heldBytes = PARTITION_BYTES;
  /** Created when first needed: most tenants have neither leases nor labels most of the time, and there are many tenants. */
  leases: SmallMap<KeyId, MemoryLease> | undefined = undefined;
  /** The stamp of the last invalidation that may cover many keys. Leases older than that are void. */
  bulkStamp: Stamp = 0;
  /** The stamp of the last removal by pattern: fills whose load began before it may match and are refused. */
  private patternStamp: Stamp = 0;
  private clock: Stamp = 0;
  private minimumStamp: Stamp = 0;
  private labels: Map<Label, Stamp> | undefined = undefined;
  /** A snapshot refers to the label map as it is: copy on write. */
  private hasSnapshot = false;
  private manyLeases = MANY_LEASES;

  constructor(
    readonly partition: Partition,
    readonly generation: Generation,
  ) {}

  /** The stamp of a lease granted now, or of a value written now. */
  get now(): Stamp {
    return this.clock;
  }

  /** The newest of the minimum stamp and those of the labels. */
  requiredStampFor(labels: readonly Label[]): Stamp {
    return newestOf(this.minimumStamp, this.labels, labels);
  }

  /** Everything with one of the labels is invalid from here on. */
  invalidate(labels: readonly Label[]): void {
    this.bulkStamp = ++this.clock;
    const stamps = this.writableLabels();
    for (const label of labels) {
      // Re-inserted, so that the map stays in the order of stamps and the oldest come first.
      if (!stamps.delete(label)) this.heldBytes += STAMPED_LABEL_BYTES + label.length;
      stamps.set(label, this.bulkStamp);
    }
    if (stamps.size > MAX_LABELS) this.forgetOldestLabels(stamps);
  }

  /** Everything in the partition is invalid from here on. */
  raiseMinimumStamp(): void {
    this.bulkStamp = ++this.clock;
    this.minimumStamp = this.bulkStamp;
    // The minimum stamp outranks all of them.
    for (const label of this.labels?.keys() ?? []) this.heldBytes -= STAMPED_LABEL_BYTES + label.length;
    this.labels = undefined;
    this.hasSnapshot = false;
  }

  /** Loads in flight are refused when they fill: whether they match is not known yet. */
  beginPattern(): void {
    this.bulkStamp = ++this.clock;
    this.patternStamp = this.bulkStamp;
  }

  /** What is invalid now, to be compared with later. Copies nothing: there may be very many tenants. */
  snapshot(): PartitionSnapshot {
    const { clock, minimumStamp, generation, labels } = this;
    this.hasSnapshot = true;
    return {
      now: clock,
      wasValid: (entry) => survives(entry, { generation, stamp: newestOf(minimumStamp, labels, entry.labels) }),
    };
  }

  accepts(stamp: Stamp, labels: readonly Label[]): boolean {
    const { patternStamp, minimumStamp, labels: stamps } = this;
    if (stamp < patternStamp || stamp < minimumStamp) return false;
    return stamps === undefined || stamp >= newestOf(minimumStamp, stamps, labels);
  }

  /** The lease on a key, unless it expired or is older than the last bulk invalidation (rule G2). */
  liveLease(id: KeyId, nowMs: number): MemoryLease | undefined {
    const lease = this.leases?.get(id);
    return lease !== undefined && lease.expiresAtMs > nowMs && lease.stamp >= this.bulkStamp ? lease : undefined;
  }

  grant(id: KeyId, token: string, nowMs: number, leaseMs: number): MemoryLease {
    if (this.leases !== undefined && this.leases.size >= this.manyLeases) this.dropExpiredLeases(nowMs);
    const lease = { token, stamp: this.clock, expiresAtMs: nowMs + leaseMs };
    this.leases ??= new SmallMap();
    this.leases.set(id, lease);
    return lease;
  }

  dropLease(id: KeyId): void {
    if (this.leases?.delete(id) === true && this.leases.size === 0) this.leases = undefined;
  }

  /** The label map, safe to change: a snapshot keeps the one before. */
  private writableLabels(): Map<Label, Stamp> {
    if (!this.hasSnapshot && this.labels !== undefined) return this.labels;
    const own = new Map(this.labels ?? []);
    this.labels = own;
    this.hasSnapshot = false;
    return own;
  }

  private dropExpiredLeases(nowMs: number): void {
    for (const [id, lease] of this.leases ?? []) if (lease.expiresAtMs <= nowMs) this.dropLease(id);
    // Not again before their number has doubled: else each of thousands of loads at once would scan all the others.
    this.manyLeases = Math.max(MANY_LEASES, (this.leases?.size ?? 0) * 2);
  }

  private forgetOldestLabels(stamps: Map<Label, Stamp>): void {
    for (const [label, stamp] of stamps) {
      if (stamps.size <= MAX_LABELS / 2) return;
      this.minimumStamp = Math.max(this.minimumStamp, stamp);
      stamps.delete(label);
      this.heldBytes -= STAMPED_LABEL_BYTES + label.length;
    }
  }
}

function newestOf(minimum: Stamp, stamps: ReadonlyMap<Label, Stamp> | undefined, labels: readonly Label[]): Stamp {
  if (stamps === undefined) return minimum;
  let newest = minimum;
  for (const label of labels) {
    const at = stamps.get(label);
    if (at !== undefined && at > newest) newest = at;
  }
  return newest;
}
