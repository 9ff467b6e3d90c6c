import { machineOf, type Clock } from '../../core/clock.js';

/** Two readings of one clock are that far apart. */
const SAME_MS = 1;

/**
 * The server's clock as seen from here: its distance from our monotonic clock, taken from answers that carry the time.
 * The quickest answer of the last while is the most exact. An error moves the end of a ttl, never what is valid.
 *
 * A server does not notice that a test stops the time of this process, or moves it on: what is said to it is measured by
 * the machine. What comes from it is looked at by the clock of the application, and is told in its terms.
 */
export class ServerClock {
  private readonly machine: Clock;
  private offsetMs: number;
  private uncertaintyMs = Infinity;

  constructor(private readonly clock: Clock) {
    this.machine = machineOf(clock);
    this.offsetMs = this.machine.nowMs() - this.machine.monotonicMs();
  }

  /** An answer that was asked for at `sentAtMs` (monotonic) said that the server's time was `serverMs`. */
  note(serverMs: number, sentAtMs: number): void {
    const halfMs = (this.machine.monotonicMs() - sentAtMs) / 2;
    const offsetMs = serverMs - (sentAtMs + halfMs);
    // What was known grows stale slowly; a jump of the server's clock that no delay explains replaces it.
    this.uncertaintyMs += 0.05;
    if (halfMs > this.uncertaintyMs && Math.abs(offsetMs - this.offsetMs) < halfMs + 1_000) return;
    this.offsetMs = offsetMs;
    this.uncertaintyMs = halfMs;
  }

  nowMs(): number {
    return this.machine.monotonicMs() + this.offsetMs;
  }

  /** On the clock of the application, by which entries are judged. */
  toLocalMs(serverMs: number): number {
    const aheadMs = this.machine === this.clock ? 0 : this.clock.monotonicMs() - this.machine.monotonicMs();
    return serverMs - this.offsetMs + (Math.abs(aheadMs) < SAME_MS ? 0 : aheadMs);
  }

  /** Now, on the clock of the application. */
  localMs(): number {
    return this.clock.monotonicMs();
  }
}
