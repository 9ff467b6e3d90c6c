/**
 * What one tenant may take of memory that many share. A tenant over its quota displaces its own least recently used
 * entries; in a full memory, tenants above an even share are displaced from before those within it. So one tenant that
 * reads everything once does not cost the others their hits, nor do several at the same time. Global entries have no
 * quota.
 */
import { PORTION } from '../../core/async/portions.js';
import type { Clock } from '../../core/clock.js';
import type { Partition } from '../../core/keys/partition.js';
import { MemoryRecord, type Group } from './record.js';
import type { MemoryPartition } from './partition.js';
import type { ResolvedQuota } from './options.js';
import { LruList, type Linked } from './lru-list.js';

/** A record's node in the LRU list of its tenant. */
export class TenantLink implements Linked<TenantLink> {
  newer: TenantLink | undefined = undefined;
  older: TenantLink | undefined = undefined;

  constructor(readonly record: QuotaRecord) {}
}

/** A record where tenants have quotas: in two LRU lists, the store's and its tenant's. */
export class QuotaRecord extends MemoryRecord {
  tenantLink: TenantLink | undefined = undefined;
}

/** What one tenant uses. */
class TenantUsage {
  entries = 0;
  /** Bytes of its records. */
  recordBytes = 0;
  readonly lru = new LruList<TenantLink>();

  constructor(private readonly within: MemoryPartition<Group>) {}

  /** Its records and everything beside them: labels, shared metadata, the partition itself. */
  get bytes(): number {
    return this.recordBytes + this.within.heldBytes;
  }
}

/** Which bound of a memory is reached. */
export type Measure = 'entries' | 'bytes';

/** Entries of a tenant at its quota that are examined for expiry before one more is rejected. */
const MAX_EXAMINED = 16;

export class Quota {
  /** Entries displaced because their tenant had reached its quota. */
  displaced = 0;
  /** Entries not stored for that reason. */
  rejected = 0;
  private readonly usages = new Map<Partition, TenantUsage>();
  /** The tenant that used most at the last scan over all of them. */
  private knownLarge: TenantUsage | undefined = undefined;
  /** The scan that has not come to its end. */
  private scan: Iterator<TenantUsage> | undefined = undefined;
  private largestSoFar: TenantUsage | undefined = undefined;
  /** Records displaced since that scan. */
  private displacedSinceScan = Infinity;

  constructor(private readonly bounds: ResolvedQuota) {}

  /** Sums over all tenants, so that there are as many figures with a thousand of them as with one. In portions. */
  async figures(clock: Pick<Clock, 'breathe'>): Promise<Readonly<Record<string, number>>> {
    let largest = 0;
    let left = PORTION;
    for (const { bytes } of this.usages.values()) {
      if (left-- === 0) {
        await clock.breathe();
        left = PORTION - 1;
      }
      largest = Math.max(largest, bytes);
    }
    const { displaced: quotaDisplaced, rejected: quotaRejected } = this;
    return { tenants: this.usages.size, largestTenantBytes: largest, quotaDisplaced, quotaRejected };
  }

  get maxBytes(): number {
    return this.bounds.maxBytes;
  }

  touch(record: MemoryRecord): void {
    const { tenantLink } = record as QuotaRecord;
    if (tenantLink !== undefined) this.usages.get(partitionOf(record))?.lru.touch(tenantLink);
  }

  add(record: MemoryRecord): void {
    const partition = partitionOf(record);
    if (isGlobal(partition)) return;
    const usage = this.usages.get(partition) ?? new TenantUsage(record.metadata.group.within);
    this.usages.set(partition, usage);
    const mine = record as QuotaRecord;
    mine.tenantLink = new TenantLink(mine);
    usage.lru.touch(mine.tenantLink);
    usage.entries++;
    usage.recordBytes += record.costBytes;
  }

  remove(record: MemoryRecord): void {
    const { tenantLink } = record as QuotaRecord;
    const usage = this.usages.get(partitionOf(record));
    if (tenantLink === undefined || usage === undefined) return;
    usage.lru.remove(tenantLink);
    usage.entries--;
    usage.recordBytes -= record.costBytes;
    if (usage.entries === 0) this.usages.delete(partitionOf(record));
  }

  /** The record to displace because its tenant is over its quota. */
  excess(partition: Partition): MemoryRecord | undefined {
    const usage = this.usages.get(partition);
    return usage !== undefined && this.isExceeded(usage, 0, 0) ? usage.lru.oldest?.record : undefined;
  }

  /**
   * The record to displace where memory is full: the least recently used of all, unless its tenant is within an even
   * share while another is above it. Then that other tenant makes room, the one that is storing first of all; but the
   * record that was just stored stays.
   */
  victim(oldest: MemoryRecord, by: Partition, full: Measure, bound: number): MemoryRecord {
    this.displacedSinceScan++;
    const share = bound / this.usages.size;
    const theirs = this.usages.get(partitionOf(oldest));
    if (theirs === undefined || theirs[full] > share) return oldest;
    const mine = this.usages.get(by);
    if (mine !== undefined && mine.entries > 1 && mine[full] > share) return mine.lru.oldest?.record ?? oldest;
    const largest = this.largestOther(mine, full, share);
    return largest?.lru.oldest?.record ?? oldest;
  }

  /**
   * A tenant above an even share. Scans all of them so rarely that it costs nothing on average, and a portion of them for
   * each record that has to go: of very many tenants none is held up by a look at all the others.
   */
  private largestOther(mine: TenantUsage | undefined, full: Measure, share: number): TenantUsage | undefined {
    const isLarge = (usage: TenantUsage): boolean => usage !== mine && usage[full] > share;
    if (this.knownLarge !== undefined && isLarge(this.knownLarge)) return this.knownLarge;
    if (this.scan === undefined) {
      if (this.displacedSinceScan < this.usages.size) return undefined;
      this.displacedSinceScan = 0;
      this.largestSoFar = undefined;
      this.scan = this.usages.values();
    }
    for (let looked = 0; looked < PORTION; looked++) {
      const { done, value: usage } = this.scan.next();
      if (done === true) {
        this.scan = undefined;
        break;
      }
      if (isLarge(usage) && usage[full] > (this.largestSoFar?.[full] ?? 0)) this.largestSoFar = usage;
    }
    // Found by an earlier portion, it may have become smaller since, or it is the one that asks.
    this.knownLarge = this.largestSoFar !== undefined && isLarge(this.largestSoFar) ? this.largestSoFar : undefined;
    return this.knownLarge;
  }

  /** Whether another entry may come; `drop` is given the tenant's entries that may have expired. */
  admits(partition: Partition, costBytes: number, drop: (record: MemoryRecord) => void): boolean {
    const usage = this.usages.get(partition);
    if (this.bounds.onExceeded !== 'reject' || usage === undefined) return true;
    let use = usage.lru.oldest;
    for (let looked = 0; use !== undefined && looked < MAX_EXAMINED && this.isExceeded(usage, 1, costBytes); looked++) {
      const { record, newer } = use;
      use = newer;
      drop(record);
    }
    if (!this.isExceeded(usage, 1, costBytes)) return true;
    this.rejected++;
    return false;
  }

  clear(): void {
    this.usages.clear();
    this.knownLarge = undefined;
    this.largestSoFar = undefined;
    this.scan = undefined;
  }

  private isExceeded({ entries, bytes }: TenantUsage, more: number, moreBytes: number): boolean {
    return entries + more > this.bounds.maxEntries || bytes + moreBytes > this.bounds.maxBytes;
  }
}

function partitionOf(record: MemoryRecord): Partition {
  return (record.metadata.group.within as MemoryPartition<Group>).partition;
}

function isGlobal(partition: Partition): boolean {
  return partition === 'g';
}
