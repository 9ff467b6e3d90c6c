import type { Lease } from '../core/backend.js';
import type { Clock } from '../core/clock.js';

type Held = Pick<Lease, 'key' | 'token'>;

/** How many are given back at once, and how often it is tried. What is not given back ends by itself. */
const MAX_ABANDONED = 1_000;
const TRIED_AFTER_MS: readonly number[] = Object.freeze([50, 200, 800, 3_000]);

/** Leases whose answer was lost: they may have been granted, and would keep everybody waiting until they end. */
export class AbandonedLeases {
  private abandoned = 0;
  private isClosed = false;

  constructor(
    private readonly clock: Clock,
    private readonly release: (lease: Held) => Promise<void>,
  ) {}

  giveBack(lease: Held): void {
    if (this.abandoned >= MAX_ABANDONED) return;
    this.abandoned++;
    void this.tryOften(lease).then(() => this.abandoned--);
  }

  close(): void {
    this.isClosed = true;
  }

  private async tryOften(lease: Held): Promise<void> {
    for (const afterMs of TRIED_AFTER_MS) {
      await this.clock.sleep(afterMs);
      if (this.isClosed) return;
      const isDone = await this.release(lease).then(
        () => true,
        () => false,
      );
      if (isDone) return;
    }
  }
}
