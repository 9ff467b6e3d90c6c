import type { Copier } from '../../core/values/copier.js';
import type { Entry, Level } from '../../core/entry.js';
import type { Isolation } from '../../core/values/isolation.js';
import { idIn, type Key, type KeyId } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Barrier, Incarnation, Stamp } from '../../core/stamp.js';
import type { Tally } from '../../core/keys/tally.js';
import { veil } from '../../core/veil.js';
import type { MemoryPartition } from './partition.js';

/** The entries of one space: what listing, counting and clearing walk over instead of the whole store. */
export interface Group {
  /** Groups made later have higher numbers: a listing goes on by them. */
  readonly order: number;
  readonly name: string;
  readonly path: string;
  readonly namespace: string;
  readonly within: MemoryPartition<Group>;
  readonly tally: Tally;
  /** Those of its space. */
  readonly labels: readonly Label[];
  /** What it occupies beside its records and births. */
  readonly costBytes: number;
  /** What the ids of the group begin with. */
  readonly idPrefix: string;
  /** The group's records by the rest of their ids, in the order of their numbers. */
  readonly records: Map<string, MemoryRecord>;
  /** The number of the last record. */
  numbered: number;
  /** The birth of the last new record, which most share. */
  lastBirth: Birth | undefined;
  /** All that new records may share, by their prints: those of the newest stamp. Dropped when it grows; records keep their own. */
  births: Map<number, Birth> | undefined;
  /** Their stamp. */
  bornAt: Stamp;
  /** Where the janitor goes on. */
  janitor: Iterator<MemoryRecord> | undefined;
}

/**
 * What many records have in common: when they were born, under which labels, with which grace. Records of one space
 * stored between two invalidations share one, which keeps a record small and makes one check of the labels
 * serve them all.
 */
export class Birth {
  /** Records that have it. */
  records = 0;
  /** The partition's last bulk invalidation when the barrier below was worked out. */
  private checkedAt: Stamp = -1;
  private knownBarrier: Barrier | undefined;
  /** Where the first level of two keeps the changes of these labels. Worked out when first needed. */
  slots: readonly number[] | undefined = undefined;

  constructor(
    readonly group: Group,
    readonly labels: readonly Label[],
    readonly incarnation: Incarnation,
    readonly stamp: Stamp,
    readonly graceMs: number,
    readonly isolation: Isolation,
    readonly copier: Copier,
    /** What it occupies as long as records have it. */
    readonly costBytes: number,
  ) {}

  /** Whether it is what such a record is born with, at its stamp. */
  isOf(labels: readonly Label[], graceMs: number, isolation: Isolation): boolean {
    if (this.graceMs !== graceMs || this.isolation !== isolation || this.labels.length !== labels.length) return false;
    return this.labels === labels || labels.every((label, at) => label === this.labels[at]);
  }

  /** What records of this birth have to survive. Worked out anew only when something was invalidated in bulk. */
  barrier(): Barrier {
    const { within } = this.group;
    if (this.knownBarrier === undefined || this.checkedAt !== within.bulk) {
      this.knownBarrier = within.barrierFor(this.labels);
      this.checkedAt = within.bulk;
    }
    return this.knownBarrier;
  }
}

/** Stands for "no expiry" in a record, where Infinity would turn every record's field into a boxed double. */
const NEVER = -1;

/** One entry in memory. Kept to eight fields: with a hundred thousand of them every field is a megabyte. */
export class MemoryRecord implements Entry {
  static {
    veil(this.prototype, 'MemoryRecord');
  }

  /** The neighbours in the order of use. */
  newer: MemoryRecord | undefined = undefined;
  older: MemoryRecord | undefined = undefined;
  private keptUntil: number;

  constructor(
    /** The last word of the id; the group knows the rest. */
    readonly text: string,
    private stored: unknown,
    private born: Birth,
    keptUntilMs: number,
    /** What the record takes of the store's bytes. */
    readonly costBytes: number,
    /** Records of a group are numbered as they come. A listing goes on by it. */
    readonly number: number,
  ) {
    this.keptUntil = keptUntilMs === Infinity ? NEVER : Math.floor(keptUntilMs);
  }

  get birth(): Birth {
    return this.born;
  }

  get identity(): KeyId {
    return idIn(this.born.group.idPrefix, this.text);
  }

  get incarnation(): Incarnation {
    return this.born.incarnation;
  }

  get stamp(): Stamp {
    return this.born.stamp;
  }

  get labels(): readonly Label[] {
    return this.born.labels;
  }

  get keptUntilMs(): number {
    return this.keptUntil === NEVER ? Infinity : this.keptUntil;
  }

  get freshUntilMs(): number {
    return this.keptUntil === NEVER ? Infinity : this.keptUntil - this.born.graceMs;
  }

  get sizeBytes(): number {
    return this.costBytes;
  }

  get level(): Level {
    return 'l1';
  }

  get value(): unknown {
    const { stored } = this;
    return typeof stored === 'object' ? this.born.copier.release(stored, this.born.isolation) : stored;
  }

  /** The number inside, for counters: undefined when it is none. */
  get count(): number | undefined {
    return Number.isSafeInteger(this.stored) ? (this.stored as number) : undefined;
  }

  set count(value: number) {
    this.stored = value;
  }

  isOf({ space, text }: Key): boolean {
    return this.text === text && this.born.group.idPrefix === space.idPrefix;
  }

  /** Another life for the same value. */
  extend(birth: Birth, keptUntilMs: number): void {
    this.born = birth;
    this.keptUntil = keptUntilMs === Infinity ? NEVER : Math.floor(keptUntilMs);
  }
}
