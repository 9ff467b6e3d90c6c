import type { Usage } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import { stepsToTest, type Glob } from '../../core/keys/glob.js';
import { visibleKey } from '../../core/keys/key.js';
import type { Pace } from '../../core/async/pace.js';
import type { Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';
import type { MemoryPartition, PartitionSnapshot } from './partition.js';
import type { Group, MemoryRecord } from './record.js';
import type { MemoryStore } from './store.js';

/** Steps of a walk for a group that is passed by, and for a record that is looked at or removed. */
const GROUP_STEPS = 10;
const RECORD_STEPS = 125;

/** One removal under way: which records it means, and how many of them were live when it began. */
interface Removal {
  readonly view: View | undefined;
  /** Groups with higher numbers were made since. */
  readonly lastGroup: number;
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
    private readonly pace: Pace,
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
   * Removes the records of a view that exist now and match; how many were live. `condemn` raises the barrier that makes
   * them invalid: it runs at once, in this turn, and everything after it is only tidying up.
   */
  async remove(view: View | undefined, match: Glob, condemn: () => void): Promise<number> {
    const { store, clock } = this;
    const before = new Map(partitionsOf(store, view?.partition).map((each) => [each, each.snapshot()]));
    const beganAtMs = clock.monotonicMs();
    const removal: Removal = { view, lastGroup: store.lastGroup, before, match, beganAtMs, live: 0 };
    this.underWay.add(removal);
    try {
      condemn();
      // Each record that goes is shown to all removals that are under way.
      const stepsOf = (record: MemoryRecord): number => {
        let steps = RECORD_STEPS + stepsToTest(match, record.text.length);
        for (const other of this.underWay) steps += stepsToTest(other.match, record.text.length);
        return steps;
      };
      await this.walk(view, stepsOf, (record) => {
        if (covers(removal, record)) store.delete(record);
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
    let counted: Group | undefined;
    const nowMs = this.clock.monotonicMs();
    await this.walk(
      view,
      ({ labels }) => RECORD_STEPS + labels.length,
      (record) => {
        if (!this.store.isLive(record, nowMs)) this.store.delete(record);
        else {
          entries++;
          const { group } = record.birth;
          if (group !== counted) bytes += group.costBytes;
          counted = group;
          // Of what entries have in common, each has its part.
          bytes += record.costBytes + record.birth.costBytes / record.birth.records;
        }
      },
    );
    return { entries, bytes: Math.round(bytes) };
  }

  /** Over the records that are there now: those that come meanwhile have higher numbers and stand behind them. */
  private async walk(
    view: View | undefined,
    stepsOf: (record: MemoryRecord) => number,
    visit: (record: MemoryRecord) => void,
  ): Promise<void> {
    const { pace, store } = this;
    const { lastGroup } = store;
    for (const group of store.groups(view?.partition)) {
      const turn = pace.take(GROUP_STEPS);
      if (turn !== undefined) await turn;
      if (group.order > lastGroup || !isIn(view, group)) continue;
      const { records, numbered } = group;
      for (const record of records.values()) {
        if (record.number > numbered) break;
        const next = pace.take(stepsOf(record));
        if (next !== undefined) {
          await next;
          if (!store.holds(record)) continue;
        }
        visit(record);
      }
    }
  }
}

/** Whether a group lies in a view; any does where there is no view. */
export function isIn(view: View | undefined, { path, namespace }: Group): boolean {
  return (
    (view?.path === undefined || view.path === path) && (view?.namespace === undefined || view.namespace === namespace)
  );
}

function partitionsOf(store: MemoryStore, partition: Partition | undefined): MemoryPartition<Group>[] {
  if (partition === undefined) return [...store.allPartitions()];
  const known = store.knownPartition(partition);
  return known === undefined ? [] : [known];
}

/** Whether the removal means this record: it was there when the removal began, and it matches. */
function covers({ view, lastGroup, before, match }: Removal, record: MemoryRecord): boolean {
  const { group } = record.birth;
  const then = before.get(group.within);
  if (then === undefined || group.order > lastGroup || !isIn(view, group) || record.stamp > then.now) return false;
  return match.matchesAll || match.test(visibleKey(record.identity));
}

/** Live when the removal began: not expired by then, and only what the removal itself condemned stands against it. */
function wasLive({ before, beganAtMs }: Removal, record: MemoryRecord): boolean {
  return record.keptUntilMs > beganAtMs && before.get(record.birth.group.within)?.wasValid(record) === true;
}
