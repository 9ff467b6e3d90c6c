import type { Lease } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import { RefusedError } from '../shared/refused.error.js';

type Held = Pick<Lease, 'key' | 'token'>;

/** How many are given back at once, and how often it is tried. What is not given back ends by itself. */
const MAX_ORPHANED = 1_000;
const TRIED_AFTER_MS: readonly number[] = Object.freeze([50, 200, 800, 3_000]);

/**
 * Leases that no load of this process uses although they may stand on the server: the answer that granted one was lost, or
 * it could not be given back. Other callers would wait for them until they end.
 */
export class OrphanedLeases {
  /** The newest of them, whether they were given back since or not: what was sent may arrive after that. */
  private readonly tokens = new Set<string>();
  private underWay = 0;
  private isClosed = false;

  constructor(
    private readonly clock: Clock,
    private readonly end: (lease: Held) => Promise<void>,
  ) {}

  /** Gives a lease back. When that fails it is tried again, when its caller has long gone on. */
  async release(lease: Held): Promise<void> {
    try {
      await this.end(lease);
    } catch (error) {
      // What is refused would be refused again.
      if (!(error instanceof RefusedError)) this.giveBack(lease);
      throw error;
    }
  }

  /** Tries for a while to give a lease back. */
  giveBack(lease: Held): void {
    if (this.tokens.size >= MAX_ORPHANED) this.tokens.delete(this.tokens.values().next().value as string);
    this.tokens.add(lease.token);
    if (this.underWay >= MAX_ORPHANED) return;
    this.underWay++;
    void this.tryOften(lease).then(() => this.underWay--);
  }

  /**
   * True: the lease that was in the way was one of these, and is gone. A caller that meets it does not wait for the next
   * try: the server has just answered, and a try may be seconds away.
   */
  async clears(lease: Held): Promise<boolean> {
    if (!this.tokens.has(lease.token)) return false;
    await this.end(lease);
    return true;
  }

  close(): void {
    this.isClosed = true;
  }

  private async tryOften(lease: Held): Promise<void> {
    for (const afterMs of TRIED_AFTER_MS) {
      await this.clock.sleep(afterMs);
      if (this.isClosed) return;
      const isDone = await this.end(lease).then(
        () => true,
        () => false,
      );
      if (isDone) return;
    }
  }
}
