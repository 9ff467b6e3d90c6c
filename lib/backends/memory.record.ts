import type { Entry } from '../core/entry.js';
import type { KeyId } from '../core/key.js';
import type { Label } from '../core/label.js';
import type { Incarnation, Stamp } from '../core/stamp.js';
import type { Birth } from './memory.partition.js';

/** Stands for "no expiry" in a record, where Infinity would turn every record's field into a boxed double. */
const NEVER = -1;

/** One entry in memory. Kept to four fields: with a hundred thousand of them every field is a megabyte. */
export class MemoryRecord implements Entry {
  /** Where the group keeps the id; the id itself once the record has left the store, for those who still hold it. */
  private place: number | KeyId = -1;
  private keptUntil: number;

  constructor(
    private stored: unknown,
    private born: Birth,
    keptUntilMs: number,
  ) {
    this.keptUntil = keptUntilMs === Infinity ? NEVER : Math.floor(keptUntilMs);
  }

  get birth(): Birth {
    return this.born;
  }

  get slot(): number {
    return typeof this.place === 'number' ? this.place : -1;
  }

  set slot(slot: number) {
    this.place = slot;
  }

  get identity(): KeyId {
    return typeof this.place === 'number' ? this.born.group.ids[this.place]! : this.place;
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

  /** Not kept with the record: the store's bound has it. */
  get sizeBytes(): number {
    return 0;
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

  /** Another life for the same value. */
  extend(birth: Birth, keptUntilMs: number): void {
    this.born = birth;
    this.keptUntil = keptUntilMs === Infinity ? NEVER : Math.floor(keptUntilMs);
  }

  /** Out of the store: its slot belongs to somebody else from here on. */
  leave(id: KeyId): void {
    this.place = id;
  }
}
