import type { Change } from '../../core/bus.js';
import { fingerprint, joined } from '../../core/keys/fingerprint.js';
import type { KeyId } from '../../core/keys/key.js';
import { isNamespaceLabel, type Label } from '../../core/keys/label.js';
import { NO_PARTITION, type Partition } from '../../core/keys/partition.js';

/** Names that share one of these slots change together: a collision costs a needless read from the server. */
const SLOTS = 65_536;

/**
 * When names last changed, as far as messages have reached this process. Positions are numbered by a counter of its own,
 * so nothing depends on the clocks of other processes or on the order of their messages; kept by fingerprint, it neither
 * grows nor forgets.
 *
 * A read that may fill L1 takes the position *before* its request is sent. A change that is recorded between then and the
 * storing of the copy has a higher position, and the copy is not served (invariant 10): no list of the reads in flight
 * has to be kept, and it makes no difference whether the message or the copy arrives first.
 */
export class ChangeLog {
  private readonly changedAt = new Float64Array(SLOTS);
  private counter = 0;
  private allChangedAt = 0;

  /** The number of the last recorded change. */
  get position(): number {
    return this.counter;
  }

  record(partition: Partition, change: Change): void {
    switch (change.kind) {
      case 'all':
        this.set(slotOf(fingerprint(partition)));
        break;
      case 'labels':
        for (const label of change.labels) this.set(labelSlot(partition, fingerprint(label)));
        break;
      case 'labelled':
        for (const print of change.prints) this.set(labelSlot(partition, print));
        break;
      default:
        for (const key of change.keys) this.set(slotOf(key));
    }
  }

  /** Anything may have changed. */
  recordAll(): void {
    this.allChangedAt = ++this.counter;
  }

  /** The position of the last change that concerns a key or any of these slots. */
  newest(keySlot: number, slots: readonly number[]): number {
    const { changedAt } = this;
    let newest = Math.max(this.allChangedAt, changedAt[keySlot] ?? 0);
    for (let at = 0; at < slots.length; at++) {
      const changed = changedAt[slots[at] ?? 0] ?? 0;
      if (changed > newest) newest = changed;
    }
    return newest;
  }

  private set(slot: number): void {
    this.changedAt[slot] = ++this.counter;
  }
}

export function keySlot(id: KeyId): number {
  return slotOf(fingerprint(id));
}

/** The slots of a partition, of labels in it, and of the namespace in all partitions. */
export function slotsOf(partition: Partition, labels: readonly Label[]): readonly number[] {
  return [
    slotOf(fingerprint(partition)),
    ...labels.map((label) => labelSlot(partition, fingerprint(label))),
    ...labels.filter(isNamespaceLabel).map((label) => labelSlot(NO_PARTITION, fingerprint(label))),
  ];
}

function labelSlot(partition: Partition, print: number): number {
  return slotOf(joined(fingerprint(partition), print));
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}
