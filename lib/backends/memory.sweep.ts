import type { Usage } from '../core/backend.js';
import type { Clock } from '../core/clock.js';
import type { Glob } from '../core/glob.js';
import { visibleKey } from '../core/key.js';
import type { View } from '../core/space.js';
import type { MemoryPartition, PartitionSnapshot } from './memory.partition.js';
import type { Group, MemoryRecord } from './memory.record.js';
import type { MemoryStore } from './memory.store.js';

/** Records handled before other work of the process gets its turn. */
const CHUNK = 2_000;

/** One removal under way: which records it means, and how many of them were live when it began. */
interface Removal {
  readonly groups: ReadonlySet<Group>;
  /** What was invalid when it began, by partition. */
  readonly before: ReadonlyMap<MemoryPartition<Group>, PartitionSnapshot>;
  readonly match: Glob;
  readonly beganAtMs: number;
  live: number;
}

/**
 * Walks over many records without holding up the process. What is being removed is already invalid when a walk begins
 * (its label, floor or pattern stamp was set first), so a walk only tidies up and counts. Records that leave by another
 * way during a walk (displaced, overwritten) are still counted: every removal of the store passes by here.
 */
export class MemorySweep {
  private readonly underWay = new Set<Removal>();

  constructor(
    private readonly store: MemoryStore,
    private readonly clock: Clock,
  ) {}

  /** To be called for every record that leaves the store. Of two removals that mean it, the earlier one counts it. */
  note(record: MemoryRecord): void {
    for (const removal of this.underWay) {
      if (!covers(removal, record) || !wasLive(removal, record)) continue;
      removal.live++;
      return;
    }
  }

  /**
   * Removes the records of the groups that exist now and match; how many were live. `condemn` raises the barrier that
   * makes them invalid: it runs at once, in this turn, and everything after it is only tidying up.
   */
  async remove(groups: readonly Group[], match: Glob, condemn: () => void): Promise<number> {
    const partitions = new Set(groups.map(({ within }) => within));
    const before = new Map(Array.from(partitions, (partition) => [partition, partition.snapshot()]));
    const removal: Removal = { groups: new Set(groups), before, match, beganAtMs: this.clock.monotonicMs(), live: 0 };
    condemn();
    this.underWay.add(removal);
    try {
      await this.walk(groups, (record) => {
        if (covers(removal, record)) this.store.delete(record);
      });
    } finally {
      this.underWay.delete(removal);
    }
    return removal.live;
  }

  /** Counts what is live, and drops what is not. */
  async usage(view: View | undefined): Promise<Usage> {
    let entries = 0;
    let bytes = 0;
    const nowMs = this.clock.monotonicMs();
    await this.walk(this.store.groups(view), (record) => {
      if (!this.store.isLive(record, nowMs)) this.store.delete(record);
      else {
        entries++;
        bytes += record.costBytes;
      }
    });
    return { entries, bytes };
  }

  /** Over the records that are there now: those that come meanwhile have higher numbers and stand behind them. */
  private async walk(groups: readonly Group[], visit: (record: MemoryRecord) => void): Promise<void> {
    let handled = 0;
    for (const { records, numbered } of groups) {
      for (const record of records.values()) {
        if (record.number > numbered) break;
        visit(record);
        if (++handled % CHUNK === 0) await this.clock.breathe();
      }
    }
  }
}

/** Whether the removal means this record: it was there when the removal began, and it matches. */
function covers({ groups, before, match }: Removal, record: MemoryRecord): boolean {
  const { group } = record.birth;
  const then = before.get(group.within);
  if (then === undefined || !groups.has(group) || record.stamp > then.now) return false;
  return match.matchesAll || match.test(visibleKey(record.identity));
}

/** Live when the removal began: not expired by then, and only what the removal itself condemned stands against it. */
function wasLive({ before, beganAtMs }: Removal, record: MemoryRecord): boolean {
  return record.keptUntilMs > beganAtMs && before.get(record.birth.group.within)?.wasValid(record) === true;
}
