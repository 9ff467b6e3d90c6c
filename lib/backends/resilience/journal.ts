import type { Clock } from '../../core/clock.js';
import { clearOf, crowderOf, partitionOf } from './crowding.js';
import type { Invalidation } from '../shared/invalidation.js';

interface Noted {
  readonly invalidation: Invalidation;
  readonly atMs: number;
}

/**
 * The invalidations of the last minute. A replica that becomes master may not have heard of them; repeating them costs
 * a few misses, not repeating them serves values that everybody believed gone.
 */
export class Journal {
  private noted: Noted[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly windowMs: number,
    private readonly limit: number,
  ) {}

  note(invalidation: Invalidation): void {
    const nowMs = this.clock.monotonicMs();
    // Names of entries take room: what has left the window goes, looked for once in a window and not at every note.
    if (nowMs - (this.noted[0]?.atMs ?? nowMs) > 2 * this.windowMs) this.noted = this.since(nowMs - this.windowMs);
    this.noted.push({ invalidation, atMs: nowMs });
    if (this.noted.length > this.limit) this.makeRoom(nowMs);
  }

  /** Those of the window, oldest first. */
  recent(): readonly Invalidation[] {
    this.noted = this.since(this.clock.monotonicMs() - this.windowMs);
    return this.noted.map(({ invalidation }) => invalidation);
  }

  /** The tenant that fills it is cleared in the stead of what it asked for: what others asked for is still remembered. */
  private makeRoom(nowMs: number): void {
    const crowder = crowderOf(
      this.noted.map(({ invalidation }) => invalidation),
      this.limit,
    );
    if (crowder !== undefined) {
      this.noted = this.noted.filter(({ invalidation }) => partitionOf(invalidation) !== crowder);
      this.noted.push({ invalidation: clearOf(crowder), atMs: nowMs });
    }
    // Halved rather than shifted, so that noting stays cheap; the newest are the ones a failover loses.
    if (this.noted.length > this.limit) this.noted = this.noted.slice(-Math.ceil(this.limit / 2));
  }

  private since(sinceMs: number): Noted[] {
    return this.noted.filter(({ atMs }) => atMs >= sinceMs);
  }
}
