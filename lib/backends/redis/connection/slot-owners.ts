import type { Cluster } from 'ioredis';
import { namesOfMasters } from './cluster-nodes.js';

const SLOTS = 16_384;

/**
 * Which master keeps a slot, as ioredis believes: it learns of a failover and of slots that travel by an answer of a node,
 * or when it looks at all slots. A slot that has passed to another master is noticed by the first call that is about it.
 */
export class SlotOwners {
  version = 0;
  onMoved: (() => void) | undefined;
  /** The master of each slot that was asked for, as last seen. */
  private readonly seen = Array.from<string | undefined>({ length: SLOTS });

  constructor(private readonly cluster: Cluster) {
    cluster.on('refresh', this.look);
  }

  /** '': none that is known. */
  of(slot: number): string {
    const owner = this.now(slot);
    const before = this.seen[slot];
    if (before === owner) return owner;
    if (before === undefined) this.seen[slot] = owner;
    else this.look();
    return owner;
  }

  all(): ReadonlySet<string> {
    return namesOfMasters(this.cluster);
  }

  close(): void {
    this.cluster.off('refresh', this.look);
  }

  /** Slots travel in rows: where one has passed to another master, all are looked at. */
  private readonly look = (): void => {
    let hasMoved = false;
    for (const [slot, before] of this.seen.entries()) {
      if (before === undefined) continue;
      const owner = this.now(slot);
      if (owner === before) continue;
      this.seen[slot] = owner;
      hasMoved = true;
    }
    if (!hasMoved) return;
    this.version++;
    this.onMoved?.();
  };

  private now(slot: number): string {
    return this.cluster.slots[slot]?.[0] ?? '';
  }
}
