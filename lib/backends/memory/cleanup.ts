import type { Usage } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import { stepsToTest, type Glob } from '../../core/keys/glob.js';
import { visibleKey } from '../../core/keys/key.js';
import type { Pace } from '../../core/async/pace.js';
import { NO_PARTITION, type Partition } from '../../core/keys/partition.js';
import type { View } from '../../core/keys/space.js';
import type { MemoryPartition, PartitionSnapshot } from './partition.js';
import type { Group, MemoryRecord } from './record.js';
import type { MemoryStore } from './store.js';

/** What a scan costs: a partition that is invalidated, a group that is skipped, and a record that is examined or removed. */
const PARTITION_STEPS = 50;
const GROUP_STEPS = 10;
const RECORD_STEPS = 125;

/** One removal in progress: which records it covers, and how many of them were live when it began. */
interface Removal {
  readonly view: View;
  /** Groups with higher numbers were created after the last partition had its turn. */
  lastGroup: number;
  /** What was invalid before, by partition. One that is missing has not had its turn, or was created later. */
  readonly before: Map<MemoryPartition<Group>, PartitionSnapshot>;
  readonly match: Glob;
  readonly beganAtMs: number;
  live: number;
}

/**
 * Scans many records without blocking the event loop. What is being removed is already invalid when a scan begins (its
 * label, minimum or pattern stamp was raised first), so the scan only frees memory and counts. Records that leave in
 * another way meanwhile (displaced, overwritten) are still counted: the store reports every removal to `countRemoved`.
 */
export class MemoryCleanup {
  private readonly pending = new Set<Removal>();

  constructor(
    private readonly store: MemoryStore,
    private readonly clock: Clock,
    private readonly pace: Pace,
  ) {}

  /** Call it for every record that leaves the store. Of two pending removals that cover it, the earlier one counts it. */
  countRemoved(record: MemoryRecord): void {
    for (const removal of this.pending) {
      if (!covers(removal, record) || !wasLive(removal, record)) continue;
      removal.live++;
      return;
    }
  }

  /**
   * Removes the records of a view that exist now and match; resolves with how many were live. `invalidate` raises the
   * stamp of a partition that makes them invalid: of one at once, of very many a portion in each turn. Everything after
   * that only frees memory.
   */
  async remove(view: View, match: Glob, invalidate: (partition: MemoryPartition<Group>) => void): Promise<number> {
    const { store, clock, pace } = this;
    const beganAtMs = clock.monotonicMs();
    const removal: Removal = { view, lastGroup: store.lastGroup, before: new Map(), match, beganAtMs, live: 0 };
    this.pending.add(removal);
    try {
      // A list: what is created meanwhile begins behind what is cleared.
      for (const partition of partitionsOf(store, view)) {
        const turn = view.partition === NO_PARTITION ? pace.take(PARTITION_STEPS) : undefined;
        if (turn !== undefined) await turn;
        removal.before.set(partition, partition.snapshot());
        removal.lastGroup = store.lastGroup;
        if (view.partition !== NO_PARTITION || mayHold(partition, view)) invalidate(partition);
      }
      // Each record that leaves is matched against every pending removal.
      const stepsOf = (record: MemoryRecord): number => {
        let steps = RECORD_STEPS + stepsToTest(match, record.text.length);
        for (const other of this.pending) steps += stepsToTest(other.match, record.text.length);
        return steps;
      };
      await this.eachRecord(view, stepsOf, (record) => {
        if (covers(removal, record)) store.delete(record);
      });
    } finally {
      this.pending.delete(removal);
    }
    return removal.live;
  }

  /** Counts what is live, and drops what is not. */
  async usage(view: View): Promise<Usage> {
    let entries = 0;
    let bytes = 0;
    let counted: Group | undefined;
    const nowMs = this.clock.monotonicMs();
    await this.eachRecord(
      view,
      ({ labels }) => RECORD_STEPS + labels.length,
      (record) => {
        if (!this.store.isLive(record, nowMs)) this.store.delete(record);
        else {
          entries++;
          const { group } = record.metadata;
          if (group !== counted) bytes += group.costBytes;
          counted = group;
          // Of what entries have in common, each has its part.
          bytes += record.costBytes + record.metadata.costBytes / record.metadata.records;
        }
      },
    );
    return { entries, bytes: Math.round(bytes) };
  }

  /** Visits the records that exist now: those stored meanwhile have higher numbers and come after them. */
  private async eachRecord(
    view: View,
    stepsOf: (record: MemoryRecord) => number,
    visit: (record: MemoryRecord) => void,
  ): Promise<void> {
    const { pace, store } = this;
    const { lastGroup } = store;
    for (const group of store.groups(partitionOf(view))) {
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

/** Whether a group of its partition lies in a view. */
export function isIn(view: View, { path, namespace }: Group): boolean {
  return (
    (view.path === undefined || view.path === path) && (view.namespace === undefined || view.namespace === namespace)
  );
}

/** Whether a partition has, or is about to have, something of a view. Of very many tenants most have nothing of a namespace. */
function mayHold({ groups, leases }: MemoryPartition<Group>, view: View): boolean {
  if (leases !== undefined || view.namespace === undefined) return true;
  for (const group of groups.values()) if (isIn(view, group)) return true;
  return false;
}

/** Undefined: it is of all of them. */
function partitionOf({ partition }: View): Partition | undefined {
  return partition === NO_PARTITION ? undefined : partition;
}

function partitionsOf(store: MemoryStore, view: View): MemoryPartition<Group>[] {
  const partition = partitionOf(view);
  if (partition === undefined) return [...store.allPartitions()];
  const known = store.knownPartition(partition);
  return known === undefined ? [] : [known];
}

/** Whether the removal covers this record: it was stored before the removal began, and it matches. */
function covers({ view, lastGroup, before, match }: Removal, record: MemoryRecord): boolean {
  const { group } = record.metadata;
  const then = before.get(group.within);
  if (then === undefined || group.order > lastGroup || !isIn(view, group) || record.stamp > then.now) return false;
  return match.matchesAll || match.test(visibleKey(record.identity));
}

/** Live when the removal began: not expired by then, and invalid only because of this removal. */
function wasLive({ before, beganAtMs }: Removal, record: MemoryRecord): boolean {
  return record.keptUntilMs > beganAtMs && before.get(record.metadata.group.within)?.wasValid(record) === true;
}
