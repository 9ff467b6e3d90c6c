import type { Lease } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import { BackendError } from '../../core/errors.js';
import { RefusedError } from '../shared/refused.error.js';

type Held = Pick<Lease, 'key' | 'token'>;

/** How many are given back at once, and how often it is tried. What is not given back ends by itself. */
const MAX_ORPHANED = 1_000;
const TRIED_AFTER_MS: readonly number[] = Object.freeze([50, 200, 800, 3_000]);
/** How long a closing waits for answers, and how often it looks. */
const LONGEST_CLOSE_MS = 500;
const LOOK_MS = 5;

/**
 * Leases that no load of this process uses although they may stand on the server: the answer that granted one was lost, or
 * it could not be given back. Other callers would wait for them until they end.
 */
export class OrphanedLeases {
  /** The newest of them, whether they were given back since or not: what was sent may arrive after that. */
  private readonly tokens = new Set<string>();
  /** Those that are to be tried again. */
  private readonly standing = new Set<Held>();
  /** Requests whose answer may grant one. */
  asking = 0;
  isClosed = false;

  constructor(
    private readonly kind: string,
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
    if (this.standing.size >= MAX_ORPHANED) return;
    this.standing.add(lease);
    void this.tryOften(lease).then(() => this.standing.delete(lease));
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

  /** What is granted from now on goes back at once: no load is there for it. @throws BackendError */
  async refuse(lease: Held): Promise<never> {
    this.asking++;
    await this.end(lease).catch(() => undefined);
    this.asking--;
    throw new BackendError('lease', this.kind, { why: 'closed' });
  }

  /** Tries once more, and waits for the answers to requests that are on their way. For a moment: the server may be gone. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const untilMs = this.clock.monotonicMs() + LONGEST_CLOSE_MS;
    let isDone = this.standing.size === 0;
    void Promise.allSettled([...this.standing].map((lease) => this.end(lease))).then(() => (isDone = true));
    while ((!isDone || this.asking > 0) && this.clock.monotonicMs() < untilMs) await this.clock.sleep(LOOK_MS);
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
