import type { Reading } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import type { Draft, Handling } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import type { Copied } from '../../core/values/copier.js';
import { survives } from '../../core/stamp.js';
import { readingOf, type L1Copies, type L1Copy, type L1CopyDraft } from './l1-copies.js';
import type { SecondLevel } from '../shared/second-level.js';

/** A request to the second level, as of just before it was sent: what a copy of its answer is dated by. */
export interface L2Request {
  readonly logPosition: number;
  readonly sentAtMs: number;
}

/** Fills L1 with copies of what is read from and written to the second level. */
export class L1Fill {
  /** Copies of values that their callers were given before the second level had stored them. */
  private readonly copied = new WeakMap<Draft, Copied>();

  constructor(
    private readonly copies: L1Copies,
    private readonly second: SecondLevel,
    private readonly clock: Clock,
  ) {}

  /** Call it before the request to the second level is sent. */
  begin(): L2Request {
    return { logPosition: this.copies.logPosition, sentAtMs: this.clock.monotonicMs() };
  }

  /** Keeps a copy of a valid entry. The reader then gets the copy, so that no value is decoded twice. */
  fromRead(key: Key, reading: Reading, request: L2Request, how: Handling | undefined): Reading {
    const { entry, required } = reading;
    if (how?.level === 'l2' || entry === undefined || !entry.isOf(key) || !survives(entry, required)) return reading;
    if (this.clock.monotonicMs() >= entry.freshUntilMs) return reading;
    const proof = this.second.proofOf(entry);
    if (proof === undefined) return reading;
    const { labels, freshUntilMs } = entry;
    const { logPosition, sentAtMs } = request;
    const isolation = how?.isolation;
    const copy = this.keep(key, () => ({
      value: entry.value,
      labels,
      freshUntilMs,
      isolation,
      proof,
      logPosition,
      sentAtMs,
    }));
    return copy === undefined ? reading : { ...readingOf(copy), level: 'l2' };
  }

  /** For the second level: where callers are answered before it has stored the draft, this process copies the value first. */
  copiedFirst(key: Key, draft: Draft): Draft {
    const { value, isolation, level, onAdmitted } = draft;
    if (onAdmitted === undefined) return draft;
    const own: Draft = {
      ...draft,
      onAdmitted: (sizeBytes) => {
        try {
          if (level !== 'l2' && this.copies.accepts(key)) this.copied.set(own, this.copies.copied(value, isolation));
        } catch {
          // A copy that cannot be made is not kept.
        }
        onAdmitted(sizeBytes);
      },
    };
    return own;
  }

  /** The second level has stored a draft. A copy is kept if no other change was received meanwhile. */
  fromWrite(key: Key, draft: Draft, { logPosition: before, sentAtMs }: L2Request): void {
    const { value, labels, isolation, level, freshForMs } = draft;
    const hasChanged = this.copies.hasChanged(key, labels, before);
    // A read still in flight may return the value before: its copy must not be kept.
    this.copies.forget(key);
    const proof = this.second.proofOf(draft);
    const copied = this.copied.get(draft);
    // The caller may have changed by now what it was given.
    const isLost = draft.onAdmitted !== undefined && copied === undefined;
    if (hasChanged || proof === undefined || level === 'l2' || isLost) return;
    const { logPosition } = this.copies;
    const freshUntilMs = sentAtMs + freshForMs;
    this.keep(key, () => ({ value, labels, freshUntilMs, isolation, copied, proof, logPosition, sentAtMs }));
  }

  /** A copy that cannot be kept is no loss: the second level has the entry. */
  private keep(key: Key, draft: () => L1CopyDraft): L1Copy | undefined {
    // Checked first: `draft` decodes the value, and without a copy its reader would decode it again.
    if (!this.copies.accepts(key)) return undefined;
    try {
      return this.copies.put(key, draft());
    } catch {
      return undefined;
    }
  }
}
