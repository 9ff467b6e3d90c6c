import type { Cluster } from 'ioredis';
import { namesOfMasters } from './cluster-nodes.js';

const SLOTS = 16_384;
const UNKNOWN: ReadonlySet<string> = new Set(['']);

/**
 * Which master keeps a slot, as ioredis believes: it learns of a failover and of slots that travel by an answer of a node,
 * or when it looks at all slots. A slot that has passed to another master is noticed by the first call that is about it.
 */
export class SlotOwners {
  version = 0;
  onMoved: (() => void) | undefined;
  /** The master of each slot that was asked for, as last seen. */
  private readonly seen = Array.from<string | undefined>({ length: SLOTS });
  /** All masters, as last told. */
  private told: ReadonlySet<string> | undefined;

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

  /** Not empty: before any master is known, what is for all of them is for the one that is not known. */
  all(): ReadonlySet<string> {
    if (this.told === undefined) this.told = this.names();
    else this.look();
    return this.told;
  }

  close(): void {
    this.cluster.off('refresh', this.look);
  }

  /** Slots travel in rows: where one has passed to another master, all are looked at. */
  private readonly look = (): void => {
    let hasMoved = this.hasLost();
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

  /** What was meant for all may be queued for a master that has left its slots to others, though no call was about them. */
  private hasLost(): boolean {
    const { told } = this;
    if (told === undefined) return false;
    const names = (this.told = this.names());
    return [...told].some((name) => !names.has(name));
  }

  private names(): ReadonlySet<string> {
    const names = namesOfMasters(this.cluster);
    return names.size === 0 ? UNKNOWN : names;
  }

  private now(slot: number): string {
    return this.cluster.slots[slot]?.[0] ?? '';
  }
}
