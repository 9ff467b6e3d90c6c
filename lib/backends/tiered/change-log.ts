import type { Change } from '../../core/bus.js';
import { fingerprint, joined } from '../../core/keys/fingerprint.js';
import type { KeyId } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';

/** A change of one name in so many also counts as one of any other given name: that costs a needless look at the server. */
const SLOTS = 65_536;

/**
 * When names last changed, as far as this process was told. Numbered by a counter of its own, so nothing depends on the
 * clocks or the order of others; and kept by fingerprint, so it neither grows nor forgets.
 *
 * Whoever takes a copy notes the counter *before* asking for it (a ticket). A change that is told between then and the
 * storing of the copy has a higher number, and the copy is not believed (invariant 10): no list of the reads under way
 * has to be kept, and it makes no difference whether the news or the copy comes first.
 */
export class Changes {
  private readonly changedAt = new Float64Array(SLOTS);
  private counter = 0;
  private all = 0;

  /** The ticket of whatever begins now. */
  get now(): number {
    return this.counter;
  }

  note(partition: Partition, change: Change): void {
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
  noteAll(): void {
    this.all = ++this.counter;
  }

  /** When anything of this was last changed. */
  newest(keySlot: number, slots: readonly number[]): number {
    const { changedAt } = this;
    let newest = Math.max(this.all, changedAt[keySlot] ?? 0);
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

/** Where a partition and labels in it are kept. */
export function slotsOf(partition: Partition, labels: readonly Label[]): readonly number[] {
  return [slotOf(fingerprint(partition)), ...labels.map((label) => labelSlot(partition, fingerprint(label)))];
}

function labelSlot(partition: Partition, print: number): number {
  return slotOf(joined(fingerprint(partition), print));
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}
