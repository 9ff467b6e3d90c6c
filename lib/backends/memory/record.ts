import type { EntryAtHand, Reading } from '../../core/backend.js';
import { released } from '../../core/values/copier.js';
import type { Level } from '../../core/entry.js';
import type { Isolation } from '../../core/values/isolation.js';
import type { NestedNames } from '../../core/values/nested-names.js';
import { idIn, type KeyId, type KeyName } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { RequiredStamp, Generation, Stamp } from '../../core/stamp.js';
import type { Counters } from '../../core/keys/space-stats.js';
import { hideFromLogs } from '../../core/hide-from-logs.js';
import type { SmallMap } from '../../core/small-map.js';
import type { MemoryPartition } from './partition.js';

/** The entries of one space: what listing, counting and clearing scan instead of the whole store. */
export interface Group {
  /** Groups created later have higher numbers: the cursor of a listing refers to it. */
  readonly order: number;
  readonly name: string;
  readonly path: string;
  readonly namespace: string;
  readonly within: MemoryPartition<Group>;
  readonly stats: Counters;
  /** The labels of its space. */
  readonly labels: readonly Label[];
  /** What it occupies beside its records and their metadata. */
  readonly costBytes: number;
  /** The beginning that all ids of the group have in common. */
  readonly idPrefix: string;
  /** The index of its store, as long as it is in there. */
  index: object | undefined;
  /** Its records by the rest of their ids, in the order of their numbers. */
  readonly records: SmallMap<string, MemoryRecord>;
  /** The number of the last record. */
  numbered: number;
  /** The metadata of the last new record, which most share. */
  lastMetadata: SharedMetadata | undefined;
  /** Metadata of the newest stamp that new records may share, by fingerprint of the labels. Dropped when it grows; records keep their own. */
  sharedMetadata: Map<number, SharedMetadata> | undefined;
  /** The stamp of `sharedMetadata`. */
  sharedStamp: Stamp;
  /** Where the next look for expired records continues. */
  expiryCursor: Iterator<MemoryRecord> | undefined;
}

/**
 * Metadata that many records have in common: stamp, labels, grace. Records of one space stored between two invalidations
 * share one object, which keeps a record small and makes one check of the labels serve them all.
 */
export class SharedMetadata {
  /** Number of records that refer to it. */
  records = 0;
  /** The partition's last bulk invalidation when the required stamp below was computed. */
  private checkedAt: Stamp = -1;
  private newestStamp: Stamp = 0;
  /** Made for the first reading: of entries that are never read there may be very many. */
  private knownRequired: RequiredStamp | undefined = undefined;
  /** Slots of these labels in the change log of a first level. Computed when first needed. */
  slots: readonly number[] | undefined = undefined;

  constructor(
    readonly group: Group,
    readonly labels: readonly Label[],
    readonly generation: Generation,
    readonly stamp: Stamp,
    readonly graceMs: number,
    readonly isolation: Isolation,
    /** Of all values that have ever been of it. */
    public nested: NestedNames,
    /** What it occupies as long as records refer to it. */
    readonly costBytes: number,
  ) {}

  /** Whether it fits such a record, provided the stamp is the same. */
  isOf(labels: readonly Label[], graceMs: number, isolation: Isolation): boolean {
    if (this.graceMs !== graceMs || this.isolation !== isolation || this.labels.length !== labels.length) return false;
    return this.labels === labels || labels.every((label, at) => label === this.labels[at]);
  }

  /** What these records have to survive. */
  required(): RequiredStamp {
    const { within } = this.group;
    if (this.checkedAt !== within.bulkStamp) this.check();
    const stamp = this.newestStamp;
    if (this.knownRequired?.stamp !== stamp) this.knownRequired = { generation: within.generation, stamp };
    return this.knownRequired;
  }

  /** Whether no invalidation has passed over them. */
  get isValid(): boolean {
    const { within } = this.group;
    if (this.checkedAt !== within.bulkStamp) this.check();
    return this.generation === within.generation && this.stamp >= this.newestStamp;
  }

  /** Only a bulk invalidation changes what was found out last. */
  private check(): void {
    const { within } = this.group;
    this.newestStamp = within.requiredStampFor(this.labels);
    this.checkedAt = within.bulkStamp;
  }
}

/** Stands for "no expiry" in a record, where Infinity would turn every record's field into a boxed double. */
const NEVER = -1;

/** One entry in memory. Kept to eight fields: with a hundred thousand of them every field is a megabyte. */
export class MemoryRecord implements EntryAtHand {
  static {
    hideFromLogs(this.prototype, 'MemoryRecord');
  }

  /** Neighbours in the LRU list. */
  newer: MemoryRecord | undefined = undefined;
  older: MemoryRecord | undefined = undefined;
  private keptUntil: number;

  constructor(
    /** The last word of the id; the group has the rest. */
    readonly text: string,
    private stored: unknown,
    /** Another one only by {@link extend}. */
    public metadata: SharedMetadata,
    keptUntilMs: number,
    /** What the record counts for in the store's bytes. */
    readonly costBytes: number,
    /** Position among the records of the group, in the order of storing. The cursor of a listing refers to it. */
    readonly number: number,
  ) {
    this.keptUntil = keptUntilMs === Infinity ? NEVER : Math.floor(keptUntilMs);
  }

  get identity(): KeyId {
    return idIn(this.metadata.group.idPrefix, this.text);
  }

  get generation(): Generation {
    return this.metadata.generation;
  }

  get stamp(): Stamp {
    return this.metadata.stamp;
  }

  get labels(): readonly Label[] {
    return this.metadata.labels;
  }

  get keptUntilMs(): number {
    return this.keptUntil === NEVER ? Infinity : this.keptUntil;
  }

  get freshUntilMs(): number {
    return this.keptUntil === NEVER ? Infinity : this.keptUntil - this.metadata.graceMs;
  }

  get required(): RequiredStamp {
    return this.metadata.required();
  }

  get sizeBytes(): number {
    return this.costBytes;
  }

  get level(): Level {
    return 'l1';
  }

  get value(): unknown {
    const { stored } = this;
    return typeof stored === 'object' ? released(stored, this.metadata.isolation, this.metadata.nested) : stored;
  }

  /** The value of a counter; undefined when the value is no whole number. */
  get count(): number | undefined {
    return Number.isSafeInteger(this.stored) ? (this.stored as number) : undefined;
  }

  set count(value: number) {
    this.stored = value;
  }

  isOf({ space, text }: KeyName): boolean {
    return this.text === text && this.metadata.group.idPrefix === space.idPrefix;
  }

  /** Other times for the same value. */
  extend(metadata: SharedMetadata, keptUntilMs: number): void {
    this.metadata = metadata;
    this.keptUntil = keptUntilMs === Infinity ? NEVER : Math.floor(keptUntilMs);
  }
}

/** A record as the answer to a read. */
export function readingOf(record: MemoryRecord): Reading {
  return { entry: record, required: record.required, level: 'l1' };
}
