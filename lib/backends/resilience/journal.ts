import type { Clock } from '../../core/clock.js';
import { clearOf, heaviestPartition, partitionOf } from './overflow.js';
import type { Invalidation } from '../shared/invalidation.js';

interface JournalEntry {
  readonly invalidation: Invalidation;
  readonly atMs: number;
}

/**
 * The invalidations of the last minute. A replica that becomes master may have lost them; replaying them costs a few
 * misses, not replaying them serves values whose removal was confirmed.
 */
export class Journal {
  private entries: JournalEntry[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly windowMs: number,
    private readonly limit: number,
  ) {}

  record(invalidation: Invalidation): void {
    const nowMs = this.clock.monotonicMs();
    // Names of entries take memory: those that have left the window are dropped once per window, not at every record.
    if (nowMs - (this.entries[0]?.atMs ?? nowMs) > 2 * this.windowMs) this.entries = this.since(nowMs - this.windowMs);
    this.entries.push({ invalidation, atMs: nowMs });
    if (this.entries.length > this.limit) this.makeRoom(nowMs);
  }

  /** The invalidations of the window, oldest first. */
  recent(): readonly Invalidation[] {
    this.entries = this.since(this.clock.monotonicMs() - this.windowMs);
    return this.entries.map(({ invalidation }) => invalidation);
  }

  /** The tenant that has most entries is cleared in their stead: those of other tenants stay in the journal. */
  private makeRoom(nowMs: number): void {
    const heaviest = heaviestPartition(
      this.entries.map(({ invalidation }) => invalidation),
      this.limit,
    );
    if (heaviest !== undefined) {
      this.entries = this.entries.filter(({ invalidation }) => partitionOf(invalidation) !== heaviest);
      this.entries.push({ invalidation: clearOf(heaviest), atMs: nowMs });
    }
    // Halved rather than shifted, so that recording stays cheap; the newest are the ones a failover loses.
    if (this.entries.length > this.limit) this.entries = this.entries.slice(-Math.ceil(this.limit / 2));
  }

  private since(sinceMs: number): JournalEntry[] {
    return this.entries.filter(({ atMs }) => atMs >= sinceMs);
  }
}
