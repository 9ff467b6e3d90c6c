import type { KeyId } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import { PARTITION_BYTES, STAMPED_LABEL_BYTES } from './cost.js';
import { survives, type Barrier, type Incarnation, type Stamp } from '../../core/stamp.js';

export interface MemoryLease {
  readonly token: string;
  readonly stamp: Stamp;
  expiresAtMs: number;
}

/** What a partition had invalidated at one moment. Tells what was live when a removal began. */
export interface PartitionSnapshot {
  /** The newest stamp that anything in the partition could have then. */
  readonly now: Stamp;
  wasValid(born: {
    readonly labels: readonly Label[];
    readonly incarnation: Incarnation;
    readonly stamp: Stamp;
  }): boolean;
}

/** Labels remembered per partition. Beyond it the floor rises: more is invalidated than was asked for, never less. */
const MAX_LABELS = 2_000;
/** Leases beyond which the expired ones are looked for. Those in use are bounded by the flights of the engine. */
const MANY_LEASES = 1_000;
const NO_LEASES: ReadonlyMap<KeyId, MemoryLease> = new Map();

/**
 * The clock of a partition and everything measured by it: the floor (last clear), the stamps of labels, the leases. It
 * exists while it has entries or leases; a partition that comes back later has another incarnation (invariant 4).
 * What its groups are is no business of its own.
 */
export class MemoryPartition<Group = unknown> {
  readonly groups = new Map<string, Group>();
  /** What it occupies beside its records: itself, its labels, its groups, and what their records have in common. */
  heldBytes = PARTITION_BYTES;
  /** Made when first needed: most tenants have neither leases nor labels most of the time, and there are many tenants. */
  private held: Map<KeyId, MemoryLease> | undefined;
  /** The stamp of the last invalidation that may cover many keys. Leases older than that are void. */
  bulk: Stamp = 0;
  /** The stamp of the last invalidation by pattern: fills that began before it may match and are refused. */
  private patterned: Stamp = 0;
  private clock: Stamp = 0;
  private floor: Stamp = 0;
  private labels: Map<Label, Stamp> | undefined;
  /** A snapshot refers to the labels as they are: a change to them copies them first. */
  private hasSnapshot = false;
  private manyLeases = MANY_LEASES;

  constructor(
    readonly partition: Partition,
    readonly incarnation: Incarnation,
  ) {}

  get leases(): ReadonlyMap<KeyId, MemoryLease> {
    return this.held ?? NO_LEASES;
  }

  /** The stamp of whatever begins now. */
  get now(): Stamp {
    return this.clock;
  }

  get isIdle(): boolean {
    return this.groups.size === 0 && this.held === undefined;
  }

  barrierFor(labels: readonly Label[]): Barrier {
    return { incarnation: this.incarnation, stamp: newestOf(this.floor, this.labels, labels) };
  }

  /** Everything with one of the labels is invalid from here on. */
  invalidate(labels: readonly Label[]): void {
    this.bulk = ++this.clock;
    const stamps = this.ownLabels();
    for (const label of labels) {
      // Re-inserted, so that the map stays in the order of stamps and the oldest come first.
      if (!stamps.delete(label)) this.heldBytes += STAMPED_LABEL_BYTES + label.length;
      stamps.set(label, this.bulk);
    }
    if (stamps.size > MAX_LABELS) this.forgetOldestLabels(stamps);
  }

  /** Everything in the partition is invalid from here on. */
  raiseFloor(): void {
    this.bulk = ++this.clock;
    this.floor = this.bulk;
    // Below the floor they say nothing new.
    for (const label of this.labels?.keys() ?? []) this.heldBytes -= STAMPED_LABEL_BYTES + label.length;
    this.labels = undefined;
    this.hasSnapshot = false;
  }

  /** Fills that are under way are refused: nobody knows yet whether they match. */
  beginPattern(): void {
    this.bulk = ++this.clock;
    this.patterned = this.bulk;
  }

  /** What is invalid now, for asking later. Copies nothing: of all tenants there may be very many. */
  snapshot(): PartitionSnapshot {
    const { clock, floor, incarnation, labels } = this;
    this.hasSnapshot = true;
    return {
      now: clock,
      wasValid: (born) => survives(born, { incarnation, stamp: newestOf(floor, labels, born.labels) }),
    };
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
    if (this.leases.size >= this.manyLeases) this.dropExpiredLeases(nowMs);
    const lease = { token, stamp: this.clock, expiresAtMs: nowMs + leaseMs };
    this.held ??= new Map();
    this.held.set(id, lease);
    return lease;
  }

  dropLease(id: KeyId): void {
    if (this.held?.delete(id) === true && this.held.size === 0) this.held = undefined;
  }

  /** The labels, to be changed. */
  private ownLabels(): Map<Label, Stamp> {
    if (!this.hasSnapshot && this.labels !== undefined) return this.labels;
    const own = new Map(this.labels ?? []);
    this.labels = own;
    this.hasSnapshot = false;
    return own;
  }

  private dropExpiredLeases(nowMs: number): void {
    for (const [id, lease] of this.leases) if (lease.expiresAtMs <= nowMs) this.dropLease(id);
    // Not again before their number has doubled: thousands of loads at once must not look at each other each time.
    this.manyLeases = Math.max(MANY_LEASES, this.leases.size * 2);
  }

  private forgetOldestLabels(stamps: Map<Label, Stamp>): void {
    for (const [label, stamp] of stamps) {
      if (stamps.size <= MAX_LABELS / 2) return;
      this.floor = Math.max(this.floor, stamp);
      stamps.delete(label);
      this.heldBytes -= STAMPED_LABEL_BYTES + label.length;
    }
  }
}

function newestOf(floor: Stamp, stamps: ReadonlyMap<Label, Stamp> | undefined, labels: readonly Label[]): Stamp {
  if (stamps === undefined) return floor;
  let newest = floor;
  for (const label of labels) {
    const at = stamps.get(label);
    if (at !== undefined && at > newest) newest = at;
  }
  return newest;
}
