import type { Reading } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import type { Draft, Handling } from '../../core/entry.js';
import type { Key } from '../../core/keys/key.js';
import { survives } from '../../core/stamp.js';
import { readingOf, type Copies, type Copy, type CopyDraft } from './l1-copies.js';
import type { SecondLevel } from '../shared/second-level.js';

/** The moment before the second level was asked: what a copy of its answer is dated by. */
export interface Asked {
  readonly ticket: number;
  readonly atMs: number;
}

/** Takes copies of what goes by. */
export class Taking {
  constructor(
    private readonly copies: Copies,
    private readonly second: SecondLevel,
    private readonly clock: Clock,
  ) {}

  /** To be called before the second level is asked. */
  begin(): Asked {
    return { ticket: this.copies.ticket, atMs: this.clock.monotonicMs() };
  }

  /** Keeps a copy of what was read, if it is good. The copy is then what the reader gets, so that nothing is opened twice. */
  read(key: Key, reading: Reading, asked: Asked, how: Handling | undefined): Reading {
    const { entry, required } = reading;
    if (how?.level === 'l2' || entry === undefined || !entry.isOf(key) || !survives(entry, required)) return reading;
    if (this.clock.monotonicMs() >= entry.freshUntilMs) return reading;
    const proof = this.second.proofOf(entry);
    if (proof === undefined) return reading;
    const { labels, freshUntilMs } = entry;
    const { ticket, atMs: askedAtMs } = asked;
    const isolation = how?.isolation;
    const copy = this.keep(key, () => ({
      value: entry.value,
      labels,
      freshUntilMs,
      isolation,
      proof,
      ticket,
      askedAtMs,
    }));
    return copy === undefined ? reading : { ...readingOf(copy), level: 'l2' };
  }

  /** The second level has stored a draft. Its copy is kept if nothing else was told meanwhile. */
  stored(key: Key, draft: Draft, { ticket: before, atMs: askedAtMs }: Asked): void {
    const { value, labels, isolation, level, freshForMs } = draft;
    const hasChanged = this.copies.hasChanged(key, labels, before);
    // Whoever is reading what stood there before must not keep it.
    this.copies.forget([key]);
    const proof = this.second.proofOf(draft);
    if (hasChanged || proof === undefined || level === 'l2') return;
    const { ticket } = this.copies;
    const freshUntilMs = askedAtMs + freshForMs;
    this.keep(key, () => ({ value, labels, freshUntilMs, isolation, proof, ticket, askedAtMs }));
  }

  /** What cannot be kept here is no loss: the second level has it. */
  private keep(key: Key, draft: () => CopyDraft): Copy | undefined {
    // Asked first: to look at a value is to open it, and whoever reads it would have to open it again.
    if (!this.copies.takes(key)) return undefined;
    try {
      return this.copies.put(key, draft());
    } catch {
      return undefined;
    }
  }
}
