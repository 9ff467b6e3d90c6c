import type { Clock } from '../core/clock.js';

/**
 * The server's clock as seen from here: its distance from our monotonic clock, taken from answers that carry the time.
 * The quickest answer of the last while is the most exact. An error moves the end of a ttl, never what is valid.
 */
export class ServerClock {
  private offsetMs: number;
  private uncertaintyMs = Infinity;

  constructor(private readonly clock: Clock) {
    this.offsetMs = clock.nowMs() - clock.monotonicMs();
  }

  /** An answer that was asked for at `sentAtMs` (monotonic) said that the server's time was `serverMs`. */
  note(serverMs: number, sentAtMs: number): void {
    const halfMs = (this.clock.monotonicMs() - sentAtMs) / 2;
    const offsetMs = serverMs - (sentAtMs + halfMs);
    // What was known grows stale slowly; a jump of the server's clock beyond any doubt replaces it.
    this.uncertaintyMs += 0.05;
    if (halfMs > this.uncertaintyMs && Math.abs(offsetMs - this.offsetMs) < halfMs + 1_000) return;
    this.offsetMs = offsetMs;
    this.uncertaintyMs = halfMs;
  }

  nowMs(): number {
    return this.clock.monotonicMs() + this.offsetMs;
  }

  toLocalMs(serverMs: number): number {
    return serverMs - this.offsetMs;
  }
}
