import type { Clock } from '../../core/clock.js';

export interface BreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** How long it stays open before one call may try again. Doubles with each failed try, up to sixteen times. */
  readonly pauseMs: number;
}

type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * Stops calls to a backend that does not answer. Closed: every call passes. Open: none does, for a pause. Half-open: one
 * probe passes, and its outcome decides; other calls are still rejected, so a server that comes back does not get all of
 * them at once.
 */
export class CircuitBreaker {
  private failuresInRow = 0;
  private openedAtMs = 0;
  private pauses = 0;
  private current: BreakerState = 'closed';
  /** How often it has opened. */
  openings = 0;

  constructor(
    private readonly clock: Clock,
    private readonly options: BreakerOptions,
    /** Called when it opens, and when it opens again because a probe failed. */
    private readonly onOpen: () => void,
  ) {}

  get state(): BreakerState {
    return this.current;
  }

  /** Whether a call may pass now. Saying yes while open makes that call the probe. */
  admits(): boolean {
    if (this.current === 'closed') return true;
    if (this.current === 'half-open' || this.clock.monotonicMs() - this.openedAtMs < this.pauseMs()) return false;
    this.current = 'half-open';
    return true;
  }

  /** The pause is over. */
  endPause(): void {
    if (this.current === 'open') this.openedAtMs = -Infinity;
  }

  succeeded(): void {
    this.failuresInRow = 0;
    this.pauses = 0;
    this.current = 'closed';
  }

  failed(): void {
    this.failuresInRow++;
    if (this.current === 'open' || (this.current === 'closed' && this.failuresInRow < this.options.failures)) return;
    this.pauses = this.current === 'half-open' ? Math.min(this.pauses + 1, 4) : 0;
    this.openedAtMs = this.clock.monotonicMs();
    this.current = 'open';
    this.openings++;
    this.onOpen();
  }

  private pauseMs(): number {
    return this.options.pauseMs * 2 ** this.pauses;
  }
}
