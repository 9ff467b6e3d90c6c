import type { Clock } from '../../core/clock.js';
import { clearOf, heaviestPartition, partitionOf, weightOf } from './overflow.js';
import type { Invalidation } from '../shared/invalidation.js';

interface JournalEntry {
  readonly invalidation: Invalidation;
  readonly atMs: number;
}

/**
 * The invalidations of the last minute. A replica that becomes master may have lost them; replaying them costs a few
 * misses, not replaying them serves values whose removal was confirmed. Bounded as the queue is: every name of an eviction
 * counts.
 */
export class Journal {
  private entries: JournalEntry[] = [];
  private weight = 0;

  constructor(
    private readonly clock: Clock,
    private readonly windowMs: number,
    private readonly limit: number,
  ) {}

  record(invalidation: Invalidation): void {
    const nowMs = this.clock.monotonicMs();
    // Names of entries take memory: those that have left the window are dropped once per window, not at every record.
    if (nowMs - (this.entries[0]?.atMs ?? nowMs) > 2 * this.windowMs) this.forgetBefore(nowMs - this.windowMs);
    this.add({ invalidation, atMs: nowMs });
    if (this.weight > this.limit) this.makeRoom(nowMs);
  }

  /** The invalidations of the window, oldest first. */
  recent(): readonly Invalidation[] {
    this.forgetBefore(this.clock.monotonicMs() - this.windowMs);
    return this.entries.map(({ invalidation }) => invalidation);
  }

  /** The tenant that has most entries is cleared in their stead: those of other tenants stay in the journal. */
  private makeRoom(nowMs: number): void {
    const heaviest = heaviestPartition(
      this.entries.map(({ invalidation }) => invalidation),
      this.limit,
    );
    if (heaviest !== undefined) {
      this.keep(({ invalidation }) => partitionOf(invalidation) !== heaviest);
      this.add({ invalidation: clearOf(heaviest), atMs: nowMs });
    }
    // Halved rather than shifted, so that recording stays cheap; the newest are the ones a failover loses.
    if (this.weight <= this.limit) return;
    let left = this.weight;
    this.keep(({ invalidation }) => {
      const isTooOld = left > this.limit / 2;
      left -= weightOf(invalidation);
      return !isTooOld;
    });
  }

  private add(entry: JournalEntry): void {
    this.entries.push(entry);
    this.weight += weightOf(entry.invalidation);
  }

  private forgetBefore(sinceMs: number): void {
    this.keep(({ atMs }) => atMs >= sinceMs);
  }

  private keep(isKept: (entry: JournalEntry) => boolean): void {
    this.entries = this.entries.filter(isKept);
    this.weight = this.entries.reduce((total, { invalidation }) => total + weightOf(invalidation), 0);
  }
}
