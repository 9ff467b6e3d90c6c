/**
 * Records in groups, one group a space. A hit is two look-ups, of the group by the beginning of the id and of the record
 * by its end: neither has to put the id together. The list of uses goes through all groups and says what is displaced
 * when a bound is reached; every removal, whoever asked for it, passes through `leave`, so the three never disagree.
 */
import type { Copier } from '../../core/values/copier.js';
import type { Key } from '../../core/keys/key.js';
import type { Partition } from '../../core/keys/partition.js';
import { survives } from '../../core/stamp.js';
import { birthIn, dropBirth } from './shared-metadata.js';
import { compact, costOf, groupBytes, QUOTA_BYTES } from './cost.js';
import { Janitor } from './expiry-scan.js';
import { MemoryPartition } from './partition.js';
import { MemoryRecord, type Birth, type Group } from './record.js';
import { Quota, QuotaRecord, type Measure } from './quota.js';
import type { Placement, StoreBounds } from './placement.js';
import { Uses } from './lru-list.js';

/** Members of the group that each new record looks at, to drop those that have expired. */
const SWEPT_PER_PLACEMENT = 2;

export class MemoryStore {
  /** Told about every record that leaves, however it leaves. */
  onRemoved: ((record: MemoryRecord, wasDisplaced: boolean) => void) | undefined;
  /** Whether something that the store does not know of speaks against a record. */
  isRevoked: ((record: MemoryRecord) => boolean) | undefined;
  private readonly groupsByPrefix = new Map<string, Group>();
  private readonly uses = new Uses<MemoryRecord>();
  private readonly janitor = new Janitor(this.groupsByPrefix);
  readonly quota: Quota | undefined;
  private readonly partitions = new Map<Partition, MemoryPartition<Group>>();
  private entries = 0;
  private bytes = 0;
  private born = 0;
  private grouped = 0;

  constructor(
    private readonly bounds: StoreBounds,
    private readonly copier: Copier,
    private readonly nonce: string,
    /** What the cache holds beside its entries: scopes, spaces, counters. */
    private readonly besideBytes: () => number = () => 0,
    private readonly Record: typeof MemoryRecord = bounds.quota === undefined ? MemoryRecord : QuotaRecord,
    private readonly moreBytes = bounds.quota === undefined ? 0 : QUOTA_BYTES,
  ) {
    this.quota = bounds.quota === undefined ? undefined : new Quota(bounds.quota);
  }

  get size(): number {
    return this.entries;
  }

  /** Everything that is held: entries, what they have in common, tenants, and what the cache knows about them. */
  get usedBytes(): number {
    return this.bytes + this.besideBytes();
  }

  /** What counts against the bound: of that which is no entry, at most half of it, so that entries keep the other half. */
  private get boundBytes(): number {
    return this.bytes + Math.min(this.besideBytes(), this.bounds.maxBytes / 2);
  }

  /** The record of a key, which becomes the most recently used. */
  get(key: Key): MemoryRecord | undefined {
    const record = this.peek(key);
    if (record !== undefined) this.use(record);
    return record;
  }

  peek({ space, text }: Key): MemoryRecord | undefined {
    return this.groupsByPrefix.get(space.idPrefix)?.records.get(text);
  }

  /** A partition that exists, or undefined: then it has nothing to invalidate and nobody to tell. */
  knownPartition(partition: Partition): MemoryPartition<Group> | undefined {
    return this.partitions.get(partition);
  }

  allPartitions(): Iterable<MemoryPartition<Group>> {
    return this.partitions.values();
  }

  partition(partition: Partition): MemoryPartition<Group> {
    let known = this.partitions.get(partition);
    if (known === undefined) {
      known = new MemoryPartition(partition, `${this.nonce}.${++this.born}`);
      this.partitions.set(partition, known);
      this.bytes += known.heldBytes;
    }
    return known;
  }

  /** Changes what a partition remembers, within the bounds. */
  alter(partition: MemoryPartition<Group>, change: () => void, nowMs: number): void {
    const beforeBytes = partition.heldBytes;
    change();
    if (this.partitions.get(partition.partition) !== partition) return;
    this.bytes += partition.heldBytes - beforeBytes;
    if (partition.heldBytes > beforeBytes) this.displace(partition.partition, nowMs);
  }

  /** Partitions without entries and leases hold nothing worth remembering. */
  forgetIfIdle(partition: MemoryPartition<Group>): void {
    if (!partition.isIdle || this.partitions.get(partition.partition) !== partition) return;
    this.partitions.delete(partition.partition);
    this.bytes -= partition.heldBytes;
  }

  fits(key: Key, sizeBytes: number): boolean {
    const costBytes = costOf(key, sizeBytes, this.moreBytes);
    const isOwned = this.quota !== undefined && key.space.width !== 'global';
    return costBytes <= this.bounds.maxEntryBytes && !(isOwned && costBytes > (this.quota as Quota).maxBytes);
  }

  /** Whether the tenant may store another entry, of such a size. In the place of one that it has, it always may. */
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
    const birth = birthIn(group, placement, this.copier);
    const costBytes = costOf(key, placement.sizeBytes, this.moreBytes);
    const text = compact(key.text);
    const record = new this.Record(text, placement.value, birth, placement.keptUntilMs, costBytes, ++group.numbered);
    this.join(birth);
    // The new one comes in before the old one and others leave: a group that runs empty is forgotten, with its partition.
    if (before !== undefined) {
      this.leave(before, false);
      records.delete(text);
    }
    records.set(text, record);
    this.uses.use(record);
    this.quota?.add(record);
    this.entries++;
    this.bytes += costBytes;
    this.sweepSome(group, nowMs);
    this.displace(group.within.partition, nowMs);
    return record;
  }

  /** Another life for the same value. */
  extend(record: MemoryRecord, graceMs: number, keptUntilMs: number): void {
    const { birth } = record;
    const { group, labels, stamp, isolation } = birth;
    const next = birthIn(group, { labels, stamp, isolation, graceMs }, this.copier);
    this.join(next);
    record.extend(next, keptUntilMs);
    this.part(birth);
  }

  delete(record: MemoryRecord): void {
    this.remove(record, false);
  }

  clear(): void {
    this.groupsByPrefix.clear();
    this.partitions.clear();
    this.uses.clear();
    this.quota?.clear();
    this.janitor.beginAnew();
    this.entries = 0;
    this.bytes = 0;
  }

  /** Whether a record is still there: walks take turns with other work, and what they come back to may have left. */
  holds(record: MemoryRecord): boolean {
    return record.birth.group.records.get(record.text) === record;
  }

  isLive(record: MemoryRecord, nowMs: number): boolean {
    if (nowMs >= record.keptUntilMs || !survives(record, record.birth.barrier())) return false;
    return this.isRevoked?.(record) !== true;
  }

  /** The number of the group that was made last: those made later have higher ones, and come after it. */
  get lastGroup(): number {
    return this.grouped;
  }

  /** The groups of a partition, or of all, in the order of their numbers where it is one. May be gone on with later. */
  *groups(partition: Partition | undefined): Generator<Group, void> {
    if (partition !== undefined) yield* this.partitions.get(partition)?.groups.values() ?? [];
    else for (const { groups } of this.partitions.values()) yield* groups.values();
  }

  private group({ space }: Key): Group {
    const within = this.partition(space.partition);
    let group = this.groupsByPrefix.get(space.idPrefix);
    if (group === undefined) {
      const { name, path, tally, idPrefix, labels } = space;
      group = {
        order: ++this.grouped,
        name,
        path,
        namespace: name.slice(path.length + 1),
        within,
        tally,
        labels,
        costBytes: groupBytes(space),
        idPrefix,
        records: new Map(),
        numbered: 0,
        lastBirth: undefined,
        births: undefined,
        bornAt: 0,
        janitor: undefined,
      };
      this.groupsByPrefix.set(idPrefix, group);
      within.groups.set(idPrefix, group);
      this.hold(within, group.costBytes);
    }
    return group;
  }

  /** Counts what a partition holds from now on, or no longer does. */
  private hold(within: MemoryPartition<Group>, bytes: number): void {
    within.heldBytes += bytes;
    this.bytes += bytes;
  }

  private join(birth: Birth): void {
    if (birth.records++ === 0) this.hold(birth.group.within, birth.costBytes);
  }

  private part(birth: Birth): void {
    if (--birth.records > 0) return;
    this.hold(birth.group.within, -birth.costBytes);
    dropBirth(birth);
  }

  private sweepSome(group: Group, nowMs: number): void {
    for (let step = 0; step < SWEPT_PER_PLACEMENT; step++) {
      group.janitor ??= group.records.values();
      const next = group.janitor.next();
      if (next.done === true) group.janitor = undefined;
      else if (!this.isLive(next.value, nowMs)) this.remove(next.value, false);
    }
  }

  private use(record: MemoryRecord): void {
    this.uses.use(record);
    this.quota?.used(record);
  }

  /** Makes room: what has not been used for longest goes first. The newest fits by itself, so it stays. */
  private displace(by: Partition, nowMs: number): void {
    const { maxEntries, maxBytes } = this.bounds;
    // What was stored last stays: it fits by itself, whatever else its tenant holds.
    const { newest } = this.uses;
    for (let own = this.quota?.excess(by); own !== undefined && own !== newest; own = this.quota?.excess(by)) {
      (this.quota as Quota).displaced++;
      this.remove(own, true);
    }
    for (;;) {
      const { oldest } = this.uses;
      if (oldest === undefined || oldest === newest) return;
      if (this.entries > maxEntries) this.remove(this.victim(oldest, by, 'entries', nowMs), true);
      else if (this.boundBytes > maxBytes) this.remove(this.victim(oldest, by, 'bytes', nowMs), true);
      else return;
    }
  }

  private victim(oldest: MemoryRecord, by: Partition, full: Measure, nowMs: number): MemoryRecord {
    if (this.quota === undefined || !this.isLive(oldest, nowMs)) return oldest;
    const bound = full === 'entries' ? this.bounds.maxEntries : this.bounds.maxBytes;
    const chosen = this.quota.victim(oldest, by, full, bound);
    return chosen === oldest ? oldest : (this.janitor.find((record) => this.isLive(record, nowMs)) ?? chosen);
  }

  private remove(record: MemoryRecord, wasDisplaced: boolean): void {
    const { group } = record.birth;
    if (!this.holds(record)) return;
    this.leave(record, wasDisplaced);
    group.records.delete(record.text);
    if (group.records.size > 0) return;
    this.groupsByPrefix.delete(group.idPrefix);
    group.within.groups.delete(group.idPrefix);
    this.hold(group.within, -group.costBytes);
    this.forgetIfIdle(group.within);
  }

  private leave(record: MemoryRecord, wasDisplaced: boolean): void {
    this.onRemoved?.(record, wasDisplaced);
    this.uses.remove(record);
    this.quota?.remove(record);
    this.entries--;
    this.bytes -= record.costBytes;
    this.part(record.birth);
  }
}
