import { randomBytes } from 'node:crypto';
import type { BackendParts, Reading } from '../../core/backend.js';
import type { Change } from '../../core/bus.js';
import type { Handling } from '../../core/entry.js';
import type { Isolation } from '../../core/values/isolation.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import { COPY_BYTES } from '../memory/cost.js';
import type { ResolvedMemoryOptions } from '../memory/options.js';
import { QuotaRecord } from '../memory/quota.js';
import { MemoryStore } from '../memory/store.js';
import { Changes, keySlot, slotsOf } from './change-log.js';
import type { Proof } from '../shared/second-level.js';

/** Copies that came together are not checked together. */
const SPREAD = 0.1;

/** A copy of what stands in the second level. */
export class Copy extends QuotaRecord {
  proof: Proof | undefined = undefined;
  /** No change that was told up to here concerns it. */
  ticket = 0;
  slot = 0;
  /** When the question was sent whose answer last said that it is valid. */
  validatedAtMs = 0;
  /** Until then it is served without asking. */
  believedUntilMs = 0;
}

/** What a copy is made of. */
export interface CopyDraft {
  readonly value: unknown;
  readonly labels: readonly Label[];
  readonly freshUntilMs: number;
  readonly isolation: Isolation | undefined;
  readonly proof: Proof;
  /** The tickets' counter before the second level was asked. */
  readonly ticket: number;
  /** When it was asked. */
  readonly askedAtMs: number;
}

/** The first level: copies in this process, each believed until it is checked again. */
export class Copies {
  private readonly store: MemoryStore;
  private readonly changes = new Changes();
  /** False: messages may be missed, so nothing is kept. */
  private isOn = false;

  constructor(
    private readonly options: ResolvedMemoryOptions,
    private readonly parts: BackendParts,
    private readonly maxUnvalidatedMs: number,
    /** Whether messages about a partition come, where that is not the same for all. To ask is to want them. */
    private readonly hears: ((partition: Partition) => boolean) | undefined,
  ) {
    const nonce = randomBytes(8).toString('hex');
    this.store = new MemoryStore(options, parts.copier, nonce, parts.besideBytes, Copy, COPY_BYTES);
    this.store.onRemoved = (record, wasDisplaced) => {
      if (wasDisplaced) record.metadata.group.tally.displaced++;
    };
    // One without a proof is being placed, and has no date yet.
    this.store.isRevoked = (record) => (record as Copy).proof !== undefined && !this.survived(record as Copy);
  }

  /** To be taken before the second level is asked for what may become a copy. */
  get ticket(): number {
    return this.changes.now;
  }

  get size(): number {
    return this.store.size;
  }

  get usedBytes(): number {
    return this.store.usedBytes;
  }

  get quotaFigures(): Readonly<Record<string, number>> {
    return this.store.quota?.figures ?? {};
  }

  /** The copy of a key, unless a change was told that concerns it. It may have to be checked before it is served. */
  find(key: Key): Copy | undefined {
    const copy = this.store.get(key) as Copy | undefined;
    if (copy === undefined || copy.ticket === this.changes.now || this.survived(copy)) return copy;
    this.store.delete(copy);
    return undefined;
  }

  /** Whether a copy could be kept at all. To ask is to want to hear of its partition. */
  takes({ space }: Key): boolean {
    return this.hears?.(space.partition) !== false && this.isOn;
  }

  /**
   * Undefined: nothing was kept, because it does not fit or there is a newer one. One that changed meanwhile is found out
   * by its ticket, like any other, before it is served.
   */
  put(key: Key, draft: CopyDraft): Copy | undefined {
    const { labels, freshUntilMs, proof, ticket, askedAtMs } = draft;
    const before = this.store.peek(key) as Copy | undefined;
    if (before !== undefined && before.validatedAtMs > askedAtMs) return undefined;
    const isolation = draft.isolation ?? this.options.isolation;
    const { value, sizeBytes } = this.parts.copier.admit(draft.value, isolation);
    const nowMs = this.parts.clock.monotonicMs();
    if (!this.store.fits(key, sizeBytes) || !this.store.admits(key, sizeBytes, nowMs)) {
      if (before !== undefined) this.store.delete(before);
      return undefined;
    }
    const copy = this.store.place(
      key,
      { value, labels, stamp: 0, graceMs: 0, isolation, keptUntilMs: freshUntilMs, sizeBytes },
      nowMs,
    ) as Copy;
    copy.proof = proof;
    copy.slot = keySlot(key.id);
    copy.ticket = ticket;
    this.confirm(copy, askedAtMs);
    return copy;
  }

  /** Whether anything was told since the ticket that concerns such an entry. */
  hasChanged(key: Key, labels: readonly Label[], ticket: number): boolean {
    const { changes } = this;
    return changes.now !== ticket && changes.newest(keySlot(key.id), slotsOf(key.space.partition, labels)) > ticket;
  }

  /** The second level said, in answer to a question sent at `askedAtMs`, that the copy is valid. */
  confirm(copy: Copy, askedAtMs: number): void {
    // Whole numbers, rounded to the earlier side, are kept in the object itself.
    copy.validatedAtMs = Math.floor(Math.max(copy.validatedAtMs, askedAtMs));
    const forMs = this.maxUnvalidatedMs * (1 - SPREAD * this.parts.random());
    copy.believedUntilMs = Math.floor(Math.min(copy.validatedAtMs + forMs, copy.freshUntilMs));
    // What is checked is in use, and goes on being wanted.
    this.hears?.(copy.metadata.group.within.partition);
  }

  drop(copy: Copy): void {
    this.store.delete(copy);
  }

  /** Keys have changed, or may have: their copies go, and so do those that are on their way. */
  forget(keys: readonly Key[]): void {
    for (const key of keys) {
      this.changes.note(key.space.partition, { kind: 'evicted', keys: [fingerprint(key.id)] });
      const copy = this.store.peek(key) as Copy | undefined;
      if (copy !== undefined) this.store.delete(copy);
    }
  }

  note(partition: Partition, change: Change): void {
    this.changes.note(partition, change);
  }

  forgetAll(): void {
    this.changes.noteAll();
    this.store.clear();
  }

  /** Messages come from here on, or no longer do. Either way, what was kept is not to be believed. */
  turn(isOn: boolean): void {
    this.isOn = isOn;
    this.forgetAll();
  }

  private survived(copy: Copy): boolean {
    const { metadata: birth } = copy;
    birth.slots ??= slotsOf(birth.group.within.partition, birth.labels);
    if (this.changes.newest(copy.slot, birth.slots) > copy.ticket) return false;
    copy.ticket = this.changes.now;
    return true;
  }
}

/** Whether a copy was checked as lately as its reader needs. */
export function wasCheckedSince(copy: Copy, how: Handling | undefined): boolean {
  return how?.checkedSinceMs === undefined || copy.validatedAtMs >= how.checkedSinceMs;
}

/** A copy as the answer to a read. */
export function readingOf(copy: Copy): Reading {
  return { entry: copy, required: copy.metadata.required(), level: 'l1' };
}
