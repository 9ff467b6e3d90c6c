import type { Clock } from '../core/clock.js';

const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 100;

/** How long one caller waits for somebody else's load: short pauses first, longer ones later, up to a limit. */
export class Patience {
  private readonly sinceMs: number;
  private pauseMs = FIRST_PAUSE_MS;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly limitMs: number,
  ) {
    this.sinceMs = clock.monotonicMs();
  }

  waitedMs(): number {
    return this.clock.monotonicMs() - this.sinceMs;
  }

  /** Pauses, not beyond `untilMs` of waiting in all. False when the limit is reached and waiting is over. */
  async pause(untilMs: number): Promise<boolean> {
    const leftMs = Math.min(this.limitMs, untilMs) - this.waitedMs();
    if (this.waitedMs() >= this.limitMs) return false;
    // Half fixed, half drawn: waiters of many processes do not come back in step.
    const pauseMs = this.pauseMs * (0.5 + this.random() / 2);
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    await this.clock.sleep(Math.max(1, Math.min(pauseMs, leftMs)));
    return true;
  }
}
