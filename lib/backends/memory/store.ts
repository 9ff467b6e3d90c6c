/**
 * Records in groups, one group a space. A hit is two look-ups, of the group by the beginning of the id and of the record
 * by its end: neither has to put the id together. The LRU list spans all groups and decides what is displaced when a
 * bound is reached; every removal, whatever its reason, passes through `leave`, so the three never disagree.
 */
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import type { Space } from '../../core/keys/space.js';
import { metadataFor, dropMetadata } from './shared-metadata.js';
import { compact, costOf, QUOTA_BYTES } from './cost.js';
import { GroupIndex } from './group-index.js';
import { ExpiryScan } from './expiry-scan.js';
import { MemoryPartition } from './partition.js';
import { MemoryRecord, type SharedMetadata, type Group } from './record.js';
import { Quota, QuotaRecord, type Measure } from './quota.js';
import type { Placement, StoreBounds } from './placement.js';
import { LruList } from './lru-list.js';

/** Records of the group that are examined for expiry with each new one. */
const EXAMINED_PER_PLACEMENT = 2;

export class MemoryStore {
  /** Called for every record that leaves, whatever the reason. */
  onRemoved: ((record: MemoryRecord, wasDisplaced: boolean) => void) | undefined;
  /** Whether a record is invalid for a reason that the store does not know. */
  isRevoked: ((record: MemoryRecord) => boolean) | undefined;
  private readonly index = new GroupIndex();
  private readonly lru = new LruList<MemoryRecord>();
  private readonly expiryScan = new ExpiryScan(this.index);
  readonly quota: Quota | undefined;
  private readonly partitions = new Map<Partition, MemoryPartition<Group>>();
  private entries = 0;
  private bytes = 0;
  private partitionsMade = 0;
  private groupsMade = 0;

  constructor(
    private readonly bounds: StoreBounds,
    private readonly nonce: string,
    /** Bytes of what the cache keeps beside its entries: scopes, spaces, counters. */
    private readonly besideBytes: () => number = () => 0,
    private readonly Record: typeof MemoryRecord = bounds.quota === undefined ? MemoryRecord : QuotaRecord,
    private readonly moreBytes = bounds.quota === undefined ? 0 : QUOTA_BYTES,
  ) {
    this.quota = bounds.quota === undefined ? undefined : new Quota(bounds.quota);
  }

  get size(): number {
    return this.entries;
  }

  /** Everything in memory: entries, shared metadata, partitions, and what the cache keeps beside them. */
  get usedBytes(): number {
    return this.bytes + this.besideBytes();
  }

  /** What counts against the bound: of everything that is no entry at most half the bound, so that entries keep the other half. */
  private get boundBytes(): number {
    return this.bytes + Math.min(this.besideBytes(), this.bounds.maxBytes / 2);
  }

  /** The record of this name, which becomes the most recently used. */
  use(space: Space, text: string): MemoryRecord | undefined {
    const record = this.index.of(space)?.records.get(text);
    if (record !== undefined) this.touch(record);
    return record;
  }

  peek({ space, text }: Key): MemoryRecord | undefined {
    return this.index.of(space)?.records.get(text);
  }

  /** A partition that exists; undefined: it has neither entries nor leases, so there is nothing to invalidate. */
  knownPartition(partition: Partition): MemoryPartition<Group> | undefined {
    return this.partitions.get(partition);
  }

  allPartitions(): Iterable<MemoryPartition<Group>> {
    return this.partitions.values();
  }

  partition(partition: Partition): MemoryPartition<Group> {
    let known = this.partitions.get(partition);
    if (known === undefined) {
      known = new MemoryPartition(partition, `${this.nonce}.${++this.partitionsMade}`);
      this.partitions.set(partition, known);
      this.bytes += known.heldBytes;
    }
    return known;
  }

  /** Changes the labels or stamps of a partition, and makes room if they grow. */
  alter(partition: MemoryPartition<Group>, change: () => void, nowMs: number): void {
    const beforeBytes = partition.heldBytes;
    change();
    if (this.partitions.get(partition.partition) !== partition) return;
    this.bytes += partition.heldBytes - beforeBytes;
    if (partition.heldBytes > beforeBytes) this.displace(partition.partition, nowMs);
  }

  /** A partition without entries and leases has no state worth keeping. */
  forgetIfIdle(partition: MemoryPartition<Group>): void {
    if (partition.groups.size > 0 || partition.leases !== undefined) return;
    if (this.partitions.get(partition.partition) !== partition) return;
    this.partitions.delete(partition.partition);
    this.bytes -= partition.heldBytes;
  }

  fits(key: Key, sizeBytes: number): boolean {
    const costBytes = costOf(key, sizeBytes, this.moreBytes);
    const isOwned = this.quota !== undefined && key.space.width !== 'global';
    return costBytes <= this.bounds.maxEntryBytes && !(isOwned && costBytes > (this.quota as Quota).maxBytes);
  }

  /** Whether the tenant's quota allows another entry of this size. Replacing an entry is always allowed. */
  admits(key: Key, sizeBytes: number, nowMs: number): boolean {
    if (this.quota === undefined || this.peek(key) !== undefined) return true;
    return this.quota.admits(key.space.partition, costOf(key, sizeBytes, this.moreBytes), (record) => {
      if (!this.isLive(record, nowMs)) this.remove(record, false);
    });
  }

  place(key: Key, placement: Placement, nowMs: number): MemoryRecord {
    const group = this.group(key);
    const { records } = group;
    const before = records.get(key.text);
    const metadata = metadataFor(group, placement);
    const costBytes = costOf(key, placement.sizeBytes, this.moreBytes);
    const text = compact(key.text);
    const record = new this.Record(text, placement.value, metadata, placement.keptUntilMs, costBytes, ++group.numbered);
    if (metadata.records++ === 0) this.hold(group.within, metadata.costBytes);
    // The new record is referenced before the old one and others leave: an emptied group is deleted, with its partition.
    if (before !== undefined) {
      this.leave(before, false);
      records.delete(text);
    }
    records.set(text, record);
    this.lru.touch(record);
    this.quota?.add(record);
    this.entries++;
    this.bytes += costBytes;
    this.dropSomeExpired(group, nowMs);
    this.displace(group.within.partition, nowMs);
    return record;
  }

  /** Other times for the same value. */
  extend(record: MemoryRecord, graceMs: number, keptUntilMs: number): void {
    const { metadata } = record;
    const { group, labels, stamp, isolation, nested } = metadata;
    const next = metadataFor(group, { labels, stamp, isolation, graceMs, nested });
    if (next.records++ === 0) this.hold(group.within, next.costBytes);
    record.extend(next, keptUntilMs);
    this.unretain(metadata);
  }

  delete(record: MemoryRecord): void {
    this.remove(record, false);
  }

  clear(): void {
    this.index.clear();
    this.partitions.clear();
    this.lru.clear();
    this.quota?.clear();
    this.expiryScan.restart();
    this.entries = 0;
    this.bytes = 0;
  }

  /** Whether a record is still stored: scans yield to other work, and the record at the cursor may have left meanwhile. */
  holds(record: MemoryRecord): boolean {
    return record.metadata.group.records.get(record.text) === record;
  }

  isLive(record: MemoryRecord, nowMs: number): boolean {
    const { metadata, keptUntilMs } = record;
    if (nowMs >= keptUntilMs || !metadata.isValid) return false;
    return this.isRevoked?.(record) !== true;
  }

  /** The number of the newest group: those created later have higher ones, and come after it. */
  get lastGroup(): number {
    return this.groupsMade;
  }

  /** The groups of one partition in the order of their numbers, or of all partitions. Can be resumed after other work. */
  *groups(partition: Partition | undefined): Generator<Group, void> {
    if (partition !== undefined) yield* this.partitions.get(partition)?.groups.values() ?? [];
    else for (const { groups } of this.partitions.values()) yield* groups.values();
  }

  private group({ space }: Key): Group {
    const within = this.partition(space.partition);
    let group = this.index.of(space);
    if (group === undefined) {
      group = this.index.add(space, ++this.groupsMade, within);
      within.groups.set(group.idPrefix, group);
      this.hold(within, group.costBytes);
    }
    return group;
  }

  /** Adjusts the bytes of a partition, and with them the total. */
  private hold(within: MemoryPartition<Group>, bytes: number): void {
    within.heldBytes += bytes;
    this.bytes += bytes;
  }

  private unretain(metadata: SharedMetadata): void {
    if (--metadata.records > 0) return;
    this.hold(metadata.group.within, -metadata.costBytes);
    dropMetadata(metadata);
  }

  private dropSomeExpired(group: Group, nowMs: number): void {
    // The new one.
    if (group.records.size === 1) return;
    for (let step = 0; step < EXAMINED_PER_PLACEMENT; step++) {
      group.expiryCursor ??= group.records.values();
      const next = group.expiryCursor.next();
      if (next.done === true) group.expiryCursor = undefined;
      else if (!this.isLive(next.value, nowMs)) this.remove(next.value, false);
    }
  }

  private touch(record: MemoryRecord): void {
    this.lru.touch(record);
    this.quota?.touch(record);
  }

  /** Makes room: the least recently used go first. The newest fits by itself, so it stays. */
  private displace(by: Partition, nowMs: number): void {
    const { maxEntries, maxBytes } = this.bounds;
    // What was stored last stays: it fits by itself, whatever else its tenant has.
    const { newest } = this.lru;
    for (let own = this.quota?.excess(by); own !== undefined && own !== newest; own = this.quota?.excess(by)) {
      (this.quota as Quota).displaced++;
      this.remove(own, true);
    }
    for (;;) {
      const { oldest } = this.lru;
      if (oldest === undefined || oldest === newest) return;
      if (this.entries > maxEntries) this.remove(this.victim(oldest, by, 'entries', nowMs), true);
      // Whatever is kept beside the entries counts for half of the bound at most: it need not be measured before that.
      else if (this.bytes > maxBytes / 2 && this.boundBytes > maxBytes)
        this.remove(this.victim(oldest, by, 'bytes', nowMs), true);
      else return;
    }
  }

  private victim(oldest: MemoryRecord, by: Partition, full: Measure, nowMs: number): MemoryRecord {
    if (this.quota === undefined || !this.isLive(oldest, nowMs)) return oldest;
    const bound = full === 'entries' ? this.bounds.maxEntries : this.bounds.maxBytes;
    const chosen = this.quota.victim(oldest, by, full, bound);
    return chosen === oldest ? oldest : (this.expiryScan.nextExpired((record) => this.isLive(record, nowMs)) ?? chosen);
  }

  private remove(record: MemoryRecord, wasDisplaced: boolean): void {
    const { group } = record.metadata;
    if (!this.holds(record)) return;
    this.leave(record, wasDisplaced);
    group.records.delete(record.text);
    if (group.records.size > 0) return;
    this.index.delete(group);
    group.within.groups.delete(group.idPrefix);
    this.hold(group.within, -group.costBytes);
    this.forgetIfIdle(group.within);
  }

  private leave(record: MemoryRecord, wasDisplaced: boolean): void {
    this.onRemoved?.(record, wasDisplaced);
    this.lru.remove(record);
    this.quota?.remove(record);
    this.entries--;
    this.bytes -= record.costBytes;
    this.unretain(record.metadata);
  }
}
