import { randomBytes } from 'node:crypto';
import type { Awaitable } from '../../core/async/awaitable.js';
import type { BackendParts, Reading } from '../../core/backend.js';
import type { Change } from '../../core/bus.js';
import type { Handling } from '../../core/entry.js';
import type { Copied } from '../../core/values/copier.js';
import type { Isolation } from '../../core/values/isolation.js';
import { fingerprint } from '../../core/keys/fingerprint.js';
import type { Key } from '../../core/keys/key.js';
import type { Label } from '../../core/keys/label.js';
import type { Partition } from '../../core/keys/partition.js';
import { COPY_BYTES } from '../memory/cost.js';
import type { ResolvedMemoryOptions } from '../memory/options.js';
import { QuotaRecord } from '../memory/quota.js';
import { MemoryStore } from '../memory/store.js';
import { ChangeLog, keySlot, slotsOf } from './change-log.js';
import type { Proof } from '../shared/second-level.js';

/** Jitter, so that copies stored together are not revalidated together. */
const SPREAD = 0.1;

/** A copy of an entry of the second level. */
export class L1Copy extends QuotaRecord {
  proof: Proof | undefined = undefined;
  /** No change in the log up to here concerns it. */
  logPosition = 0;
  slot = 0;
  /** When the request was sent whose answer last confirmed it. */
  validatedAtMs = 0;
  /** Until then it is served without a check. */
  trustedUntilMs = 0;
}

/** What a copy is made from. */
export interface L1CopyDraft {
  readonly value: unknown;
  readonly labels: readonly Label[];
  readonly freshUntilMs: number;
  readonly isolation: Isolation | undefined;
  /** The value was copied before. */
  readonly copied?: Copied | undefined;
  readonly proof: Proof;
  /** Position of the change log before the request to the second level was sent. */
  readonly logPosition: number;
  /** When that request was sent. */
  readonly sentAtMs: number;
}

/** The first level: copies in this process, each served for a bounded time until it is checked again. */
export class L1Copies {
  private readonly store: MemoryStore;
  private readonly changeLog = new ChangeLog();
  /** False: messages may be missed, so nothing is kept. */
  private isEnabled = false;

  constructor(
    private readonly options: ResolvedMemoryOptions,
    private readonly parts: BackendParts,
    private readonly maxUnvalidatedMs: number,
    /** `Bus.hears`: whether messages about a partition arrive; calling it requests them. Undefined: the same for all partitions. */
    private readonly hears: ((partition: Partition) => boolean) | undefined,
  ) {
    const nonce = randomBytes(8).toString('hex');
    this.store = new MemoryStore(options, nonce, parts.besideBytes, L1Copy, COPY_BYTES);
    this.store.onRemoved = (record, wasDisplaced) => {
      if (wasDisplaced) record.metadata.group.stats.count('displaced');
    };
    // A copy without a proof is just being placed, and has no log position yet.
    this.store.isRevoked = (record) => (record as L1Copy).proof !== undefined && !this.isCurrent(record as L1Copy);
  }

  /** Read it before a request whose answer may become a copy is sent to the second level. */
  get logPosition(): number {
    return this.changeLog.position;
  }

  get size(): number {
    return this.store.size;
  }

  get usedBytes(): number {
    return this.store.usedBytes;
  }

  quotaFigures(): Awaitable<Readonly<Record<string, number>>> {
    return this.store.quota?.figures(this.parts.clock) ?? {};
  }

  /** The copy of a key, unless a change was received that concerns it. It may have to be checked before it is served. */
  find(key: Key): L1Copy | undefined {
    const copy = this.store.use(key.space, key.text) as L1Copy | undefined;
    if (copy === undefined || copy.logPosition === this.changeLog.position || this.isCurrent(copy)) return copy;
    this.store.delete(copy);
    return undefined;
  }

  /** Whether a copy can be kept at all. Calling it requests messages about its partition. */
  accepts({ space }: Key): boolean {
    return this.hears?.(space.partition) !== false && this.isEnabled;
  }

  /**
   * Undefined: nothing was kept, because it does not fit or there is a newer one. A copy of a value that changed meanwhile
   * is detected by its log position, like any other, before it is served.
   */
  put(key: Key, draft: L1CopyDraft): L1Copy | undefined {
    const { labels, freshUntilMs, proof, logPosition, sentAtMs } = draft;
    const before = this.store.peek(key) as L1Copy | undefined;
    if (before !== undefined && before.validatedAtMs > sentAtMs) return undefined;
    const isolation = draft.isolation ?? this.options.isolation;
    const copied = draft.copied ?? this.copied(draft.value, isolation);
    const { sizeBytes } = copied;
    const nowMs = this.parts.clock.monotonicMs();
    if (!this.store.fits(key, sizeBytes) || !this.store.admits(key, sizeBytes, nowMs)) {
      if (before !== undefined) this.store.delete(before);
      return undefined;
    }
    const copy = this.store.place(
      key,
      { ...copied, labels, stamp: 0, graceMs: 0, isolation, keptUntilMs: freshUntilMs },
      nowMs,
    ) as L1Copy;
    copy.proof = proof;
    copy.slot = keySlot(key.id);
    copy.logPosition = logPosition;
    this.confirm(copy, sentAtMs);
    return copy;
  }

  /** @throws UnserializableError, ValueTooLargeError */
  copied(value: unknown, isolation: Isolation | undefined): Copied {
    return this.parts.copier.admit(value, isolation ?? this.options.isolation);
  }

  /** Whether a change after `logPosition` concerns such an entry. */
  hasChanged(key: Key, labels: readonly Label[], logPosition: number): boolean {
    const { changeLog } = this;
    if (changeLog.position === logPosition) return false;
    return changeLog.newest(keySlot(key.id), slotsOf(key.space.partition, labels)) > logPosition;
  }

  /** The second level confirmed the copy, in answer to a request sent at `sentAtMs`. */
  confirm(copy: L1Copy, sentAtMs: number): void {
    // Whole numbers, rounded down, are stored in the object itself instead of a boxed double.
    copy.validatedAtMs = Math.floor(Math.max(copy.validatedAtMs, sentAtMs));
    const forMs = this.maxUnvalidatedMs * (1 - SPREAD * this.parts.random());
    copy.trustedUntilMs = Math.floor(Math.min(copy.validatedAtMs + forMs, copy.freshUntilMs));
    // A copy that is checked is in use: its partition stays subscribed.
    this.hears?.(copy.metadata.group.within.partition);
  }

  drop(copy: L1Copy): void {
    this.store.delete(copy);
  }

  /** A key has changed, or may have: drops its copy, also one whose read is still in flight. */
  forget(key: Key): void {
    this.changeLog.record(key.space.partition, { kind: 'evicted', keys: [fingerprint(key.id)] });
    const copy = this.store.peek(key) as L1Copy | undefined;
    if (copy !== undefined) this.store.delete(copy);
  }

  /** Another process changed something, or a whole partition changed: copies it concerns are dropped at their next lookup. */
  applyChange(partition: Partition, change: Change): void {
    this.changeLog.record(partition, change);
  }

  /** @param concerns only of these partitions */
  forgetAll(concerns?: (partition: Partition) => boolean): void {
    if (concerns !== undefined) {
      for (const { partition } of this.store.allPartitions())
        if (concerns(partition)) this.changeLog.record(partition, { kind: 'all' });
      return;
    }
    this.changeLog.recordAll();
    this.store.clear();
  }

  /** Messages arrive from here on, or no longer do. Either way some may have been missed, so every copy is dropped. */
  setEnabled(isEnabled: boolean): void {
    this.isEnabled = isEnabled;
    this.forgetAll();
  }

  private isCurrent(copy: L1Copy): boolean {
    const { metadata } = copy;
    metadata.slots ??= slotsOf(metadata.group.within.partition, metadata.labels);
    if (this.changeLog.newest(copy.slot, metadata.slots) > copy.logPosition) return false;
    copy.logPosition = this.changeLog.position;
    return true;
  }
}

/** Whether a copy was checked as recently as its reader requires. */
export function wasCheckedSince(copy: L1Copy, how: Handling | undefined): boolean {
  return how?.checkedSinceMs === undefined || copy.validatedAtMs >= how.checkedSinceMs;
}

/** A copy as the answer to a read. */
export function readingOf(copy: L1Copy): Reading {
  return { entry: copy, required: copy.metadata.required(), level: 'l1' };
}
