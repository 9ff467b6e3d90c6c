/**
 * The leases that this process holds, and their end with the cache: a lease that outlives its process keeps callers of
 * every other process waiting until it runs out.
 */
import type { Backend, Lease } from '../core/backend.js';
import { holdProcess, machineClock } from '../core/clock.js';
import type { Report } from './report.js';

/** What runs under a lease: a load, a reload in the background, a put. */
export interface LeaseHolder {
  /** Stores nothing any more. What it still held is to be given back. */
  giveUp(): Lease | undefined;
}

/** Others may be granted while some are given back, to requests that were on their way. */
const MAX_ROUNDS = 5;

export class HeldLeases {
  /** From the start of the lease to the end of the fill. */
  readonly holders = new Set<LeaseHolder>();
  /** No reload begins any more; what is under way may still be stored. */
  isClosing = false;
  /** No lease is asked for, and nothing is stored. */
  isClosed = false;
  /** Called by a holder that has ended, while the cache is being closed. */
  onEnd: (() => void) | undefined;

  constructor(
    private readonly backend: Backend,
    private readonly report: Report,
  ) {}

  /**
   * Waits until all have stored what they load, at most `forMs`, and gives back what is held then. By the clock of the
   * machine, whatever a test says of time, and with the process held: a closing that no caller sees the end of is none.
   */
  async close(forMs: number): Promise<void> {
    this.isClosing = true;
    const releaseProcess = holdProcess();
    try {
      if (this.holders.size > 0) await this.allEnded(forMs);
      this.isClosed = true;
      for (let round = 0; round === 0 || (this.holders.size > 0 && round < MAX_ROUNDS); round++) {
        await this.giveBack();
        // What was granted in this very moment has its holder by the next turn.
        await machineClock.breathe();
      }
    } finally {
      releaseProcess();
    }
  }

  private allEnded(forMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = machineClock.after(forMs, resolve);
      this.onEnd = () => {
        if (this.holders.size > 0) return;
        cancel();
        resolve();
      };
    });
  }

  private async giveBack(): Promise<void> {
    const leases = [...this.holders].map((holder) => holder.giveUp());
    this.holders.clear();
    await Promise.all(
      leases.map(async (lease) => {
        if (lease === undefined) return;
        try {
          await this.backend.release(lease);
        } catch (error) {
          this.report.failure(lease.key.space, 'release', this.backend.kind, error);
        }
      }),
    );
  }
}
