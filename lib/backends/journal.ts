import type { Clock } from '../core/clock.js';
import type { Invalidation } from './retry-queue.js';

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
    this.noted.push({ invalidation, atMs: this.clock.monotonicMs() });
    // Halved rather than shifted, so that noting stays cheap; the newest are the ones a failover loses.
    if (this.noted.length > this.limit) this.noted = this.noted.slice(-Math.ceil(this.limit / 2));
  }

  /** Those of the window, oldest first. */
  recent(): readonly Invalidation[] {
    const sinceMs = this.clock.monotonicMs() - this.windowMs;
    this.noted = this.noted.filter(({ atMs }) => atMs >= sinceMs);
    return this.noted.map(({ invalidation }) => invalidation);
  }
}
