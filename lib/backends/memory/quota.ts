/**
 * What one tenant may take of memory that many share. Whoever takes more makes room among its own entries, the least
 * recently used first; and so does, in a memory that is full, whoever holds more than an even share, before others who do
 * not have to. So nobody's scan costs others their hits, nor do the scans of several at once. What belongs to everybody
 * has no quota.
 */
import type { Partition } from '../../core/keys/partition.js';
import { MemoryRecord, type Group } from './record.js';
import type { MemoryPartition } from './partition.js';
import type { ResolvedQuota } from './options.js';
import { Uses, type Linked } from './lru-list.js';

/** Stands for a record in the list of its tenant's uses. */
export class OwnUse implements Linked<OwnUse> {
  newer: OwnUse | undefined = undefined;
  older: OwnUse | undefined = undefined;

  constructor(readonly record: QuotaRecord) {}
}

/** A record where tenants have quotas: stands in two lists. */
export class QuotaRecord extends MemoryRecord {
  own: OwnUse | undefined = undefined;
}

/** What one tenant holds. */
class Holding {
  entries = 0;
  /** What its records take. */
  recordBytes = 0;
  readonly uses = new Uses<OwnUse>();

  constructor(private readonly within: MemoryPartition<Group>) {}

  /** Its records, and what it takes beside them: labels, what entries have in common, itself. */
  get bytes(): number {
    return this.recordBytes + this.within.heldBytes;
  }
}

/** What of a memory is used up. */
export type Measure = 'entries' | 'bytes';

/** Of a tenant that may store nothing more: entries that are looked at whether they have expired. */
const LOOKED_AT = 16;

export class Quota {
  /** Entries displaced because their tenant had reached its quota. */
  displaced = 0;
  /** Entries not stored for that reason. */
  rejected = 0;
  private readonly holdings = new Map<Partition, Holding>();
  /** The one that held most when it was last looked for. */
  private large: Holding | undefined;
  /** How often something had to go since then. */
  private sinceLook = Infinity;

  constructor(private readonly bounds: ResolvedQuota) {}

  /** Sums over all tenants, so that there are as many figures with a thousand of them as with one. */
  get figures(): Readonly<Record<string, number>> {
    let largest = 0;
    for (const { bytes } of this.holdings.values()) largest = Math.max(largest, bytes);
    const { displaced: quotaDisplaced, rejected: quotaRejected } = this;
    return { tenants: this.holdings.size, largestTenantBytes: largest, quotaDisplaced, quotaRejected };
  }

  get maxBytes(): number {
    return this.bounds.maxBytes;
  }

  used(record: MemoryRecord): void {
    const { own } = record as QuotaRecord;
    if (own !== undefined) this.holdings.get(partitionOf(record))?.uses.use(own);
  }

  add(record: MemoryRecord): void {
    const partition = partitionOf(record);
    if (isEverybodys(partition)) return;
    const holding = this.holdings.get(partition) ?? new Holding(record.birth.group.within);
    this.holdings.set(partition, holding);
    const mine = record as QuotaRecord;
    mine.own = new OwnUse(mine);
    holding.uses.use(mine.own);
    holding.entries++;
    holding.recordBytes += record.costBytes;
  }

  remove(record: MemoryRecord): void {
    const { own } = record as QuotaRecord;
    const holding = this.holdings.get(partitionOf(record));
    if (own === undefined || holding === undefined) return;
    holding.uses.remove(own);
    holding.entries--;
    holding.recordBytes -= record.costBytes;
    if (holding.entries === 0) this.holdings.delete(partitionOf(record));
  }

  /** The record that has to go because its tenant holds too much. */
  excess(partition: Partition): MemoryRecord | undefined {
    const holding = this.holdings.get(partition);
    return holding !== undefined && this.isExceeded(holding, 0, 0) ? holding.uses.oldest?.record : undefined;
  }

  /**
   * What has to go where memory is full: the least recently used of all, unless it belongs to a tenant within its even
   * share while another has more. Then that one makes room, whoever stores something now before others; but what was just
   * stored stays.
   */
  victim(oldest: MemoryRecord, by: Partition, full: Measure, bound: number): MemoryRecord {
    this.sinceLook++;
    const share = bound / this.holdings.size;
    const theirs = this.holdings.get(partitionOf(oldest));
    if (theirs === undefined || theirs[full] > share) return oldest;
    const mine = this.holdings.get(by);
    if (mine !== undefined && mine.entries > 1 && mine[full] > share) return mine.uses.oldest?.record ?? oldest;
    const largest = this.largestBut(mine, full, share);
    return largest?.uses.oldest?.record ?? oldest;
  }

  /** One that holds more than an even share. Looked for among all so seldom that it costs nothing on average. */
  private largestBut(mine: Holding | undefined, full: Measure, share: number): Holding | undefined {
    const isLarge = (holding: Holding): boolean => holding !== mine && holding[full] > share;
    if (this.large !== undefined && isLarge(this.large)) return this.large;
    if (this.sinceLook < this.holdings.size) return undefined;
    this.sinceLook = 0;
    let largest: Holding | undefined;
    for (const holding of this.holdings.values()) {
      if (isLarge(holding) && holding[full] > (largest?.[full] ?? 0)) largest = holding;
    }
    this.large = largest;
    return largest;
  }

  /** Whether another entry may come; `drop` is given the tenant's entries that may have expired. */
  admits(partition: Partition, costBytes: number, drop: (record: MemoryRecord) => void): boolean {
    const holding = this.holdings.get(partition);
    if (this.bounds.onExceeded !== 'reject' || holding === undefined) return true;
    let use = holding.uses.oldest;
    for (let looked = 0; use !== undefined && looked < LOOKED_AT && this.isExceeded(holding, 1, costBytes); looked++) {
      const { record, newer } = use;
      use = newer;
      drop(record);
    }
    if (!this.isExceeded(holding, 1, costBytes)) return true;
    this.rejected++;
    return false;
  }

  clear(): void {
    this.holdings.clear();
    this.large = undefined;
  }

  private isExceeded({ entries, bytes }: Holding, more: number, moreBytes: number): boolean {
    return entries + more > this.bounds.maxEntries || bytes + moreBytes > this.bounds.maxBytes;
  }
}

function partitionOf(record: MemoryRecord): Partition {
  return (record.birth.group.within as MemoryPartition<Group>).partition;
}

function isEverybodys(partition: Partition): boolean {
  return partition === 'g';
}
