/**
 * Records in a bounded LRU, and the groups that index them. The LRU decides what is displaced, the groups say what
 * belongs together; every removal, whoever asked for it, passes through `onRemoved`, so the two never disagree.
 */
import { LRUCache } from 'lru-cache';
import type { Copier } from '../core/copier.js';
import type { Isolation } from '../core/entry.js';
import { flatId, type Key, type KeyId } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { Partition, View } from '../core/space.js';
import type { Stamp } from '../core/stamp.js';
import { survives } from '../core/stamp.js';
import { Birth, MemoryPartition, type Group } from './memory.partition.js';
import { MemoryRecord } from './memory.record.js';

export interface StoreBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

export interface Placement {
  readonly value: unknown;
  readonly labels: readonly Label[];
  readonly stamp: Stamp;
  readonly graceMs: number;
  readonly isolation: Isolation;
  readonly keptUntilMs: number;
  readonly sizeBytes: number;
}

/** What an entry costs beside its value and the characters of its id: record, slots in the LRU, slot in the group. */
const ENTRY_OVERHEAD_BYTES = 160;
/** Distinct births that a group offers for sharing. */
const MAX_SHARED_BIRTHS = 256;
/** Members of the group that each new record looks at, to drop those that have expired. */
const SWEPT_PER_PLACEMENT = 2;

export class MemoryStore {
  /** Told about every record that leaves, however it leaves. */
  onRemoved: ((record: MemoryRecord, wasDisplaced: boolean) => void) | undefined;
  private readonly lru: LRUCache<KeyId, MemoryRecord>;
  private readonly partitions = new Map<Partition, MemoryPartition>();
  private born = 0;
  private grouped = 0;
  private placing: Group | undefined;

  constructor(
    private readonly bounds: StoreBounds,
    private readonly copier: Copier,
    private readonly nonce: string,
  ) {
    this.lru = new LRUCache<KeyId, MemoryRecord>({
      max: bounds.maxEntries,
      maxSize: bounds.maxBytes,
      dispose: (record, _id, reason) => this.unlink(record, reason === 'evict'),
    });
  }

  get size(): number {
    return this.lru.size;
  }

  get usedBytes(): number {
    return this.lru.calculatedSize;
  }

  /** The record of an id, which becomes the most recently used. */
  get(id: KeyId): MemoryRecord | undefined {
    return this.lru.get(id);
  }

  peek(id: KeyId): MemoryRecord | undefined {
    return this.lru.peek(id);
  }

  sizeOf(id: KeyId): number {
    return this.lru.info(id)?.size ?? 0;
  }

  /** A partition that exists, or undefined: then it has nothing to invalidate and nobody to tell. */
  knownPartition(partition: Partition): MemoryPartition | undefined {
    return this.partitions.get(partition);
  }

  allPartitions(): Iterable<MemoryPartition> {
    return this.partitions.values();
  }

  partition(partition: Partition): MemoryPartition {
    let known = this.partitions.get(partition);
    if (known === undefined) {
      known = new MemoryPartition(partition, `${this.nonce}.${++this.born}`);
      this.partitions.set(partition, known);
    }
    return known;
  }

  /** Partitions without entries and leases hold nothing worth remembering. */
  forgetIfIdle(partition: MemoryPartition): void {
    if (partition.isIdle && this.partitions.get(partition.partition) === partition)
      this.partitions.delete(partition.partition);
  }

  fits(id: KeyId, sizeBytes: number): boolean {
    return this.cost(id, sizeBytes) <= this.bounds.maxBytes;
  }

  place(key: Key, placement: Placement, nowMs: number): void {
    const group = this.group(key);
    // Removing the last record of a group forgets the group and perhaps its partition, clock and all: not this one.
    this.placing = group;
    this.lru.delete(key.id);
    this.sweepSome(group, nowMs);
    const id = flatId(key.id);
    const record = new MemoryRecord(placement.value, this.birth(group, placement), placement.keptUntilMs);
    this.lru.set(id, record, { size: this.cost(id, placement.sizeBytes) });
    // Only now: what the LRU displaced to make room was taken out of its group while this record had no slot yet.
    record.slot = group.ids.push(id) - 1;
    this.placing = undefined;
  }

  birth(group: Group, of: Pick<Placement, 'labels' | 'stamp' | 'graceMs' | 'isolation'>): Birth {
    const sharedBy = `${of.stamp}|${of.graceMs}|${of.isolation}|${of.labels.join('|')}`;
    const known = group.births.get(sharedBy);
    if (known !== undefined) return known;
    const birth = new Birth(
      group,
      of.labels,
      group.within.incarnation,
      of.stamp,
      of.graceMs,
      of.isolation,
      this.copier,
    );
    if (group.births.size >= MAX_SHARED_BIRTHS) group.births.clear();
    group.births.set(sharedBy, birth);
    return birth;
  }

  delete(id: KeyId): boolean {
    return this.lru.delete(id);
  }

  clear(): void {
    this.lru.clear();
    this.partitions.clear();
  }

  isLive(record: MemoryRecord, nowMs: number): boolean {
    return nowMs < record.keptUntilMs && survives(record, record.birth.barrier());
  }

  /** The groups of a view; all of them when there is no view. */
  groups(view: View | undefined): Group[] {
    if (view === undefined) return Array.from(this.partitions.values(), ({ groups }) => [...groups.values()]).flat();
    const groups = this.partitions.get(view.partition)?.groups.values() ?? [];
    return Array.from(groups).filter(
      ({ path, namespace }) =>
        (view.path === undefined || view.path === path) &&
        (view.namespace === undefined || view.namespace === namespace),
    );
  }

  private cost(id: KeyId, sizeBytes: number): number {
    return Math.ceil(sizeBytes) + id.length + ENTRY_OVERHEAD_BYTES;
  }

  private group({ space }: Key): Group {
    const within = this.partition(space.partition);
    let group = within.groups.get(space.name);
    if (group === undefined) {
      const { name, path, tally } = space;
      group = {
        order: ++this.grouped,
        name,
        path,
        namespace: name.slice(path.length + 1),
        within,
        tally,
        ids: [],
        births: new Map(),
        sweepAt: 0,
      };
      within.groups.set(name, group);
    }
    return group;
  }

  private sweepSome(group: Group, nowMs: number): void {
    for (let step = 0; step < SWEPT_PER_PLACEMENT && group.ids.length > 0; step++) {
      group.sweepAt = (group.sweepAt + 1) % group.ids.length;
      const id = group.ids[group.sweepAt]!;
      const record = this.lru.peek(id);
      if (record !== undefined && !this.isLive(record, nowMs)) this.lru.delete(id);
    }
  }

  /** Takes a record out of its group: the last id moves into its slot. */
  private unlink(record: MemoryRecord, wasDisplaced: boolean): void {
    this.onRemoved?.(record, wasDisplaced);
    const { group } = record.birth;
    const { slot, identity } = record;
    const last = group.ids.pop()!;
    if (slot < group.ids.length) {
      group.ids[slot] = last;
      const moved = this.lru.peek(last);
      if (moved !== undefined) moved.slot = slot;
    }
    record.leave(identity);
    if (group.ids.length > 0 || group === this.placing) return;
    group.within.groups.delete(group.name);
    this.forgetIfIdle(group.within);
  }
}
