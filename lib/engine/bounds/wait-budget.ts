import type { Clock } from '../../core/clock.js';
import { DEFAULT_WAIT_MS, type Limits } from '../../core/limits.js';
import type { Policy } from '../../core/policy.js';

const SHORTEST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 100;
/** A pause is this share of the time waited so far: the next request comes late by an eighth of the load at most. */
const SHARE = 8;

/**
 * How long a caller waits for the load of another process. Unless it was said: as long as that process may load. A lease
 * that is still held is one that is still renewed, and when its process is gone it ends by itself.
 *
 * A load that waits inside another may be waited for by what it waits for, which no process can see alone: it waits no
 * longer than {@link DEFAULT_WAIT_MS}.
 */
export function longestWaitMs(policy: Policy, limits: Limits, isNested: boolean): number {
  const saidMs = policy.maxWaitMs ?? limits.maxWaitMs;
  if (saidMs !== undefined) return saidMs;
  // When the load has gone beyond what a load may take, its lease goes back; or else it ends by itself.
  return isNested ? DEFAULT_WAIT_MS : (policy.maxLoadMs ?? limits.maxLoadMs) + limits.leaseMs;
}

/** How long one caller waits for the load of another process: short pauses first, longer ones later, up to a limit. */
export class WaitBudget {
  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly limitMs: number,
    private readonly sinceMs: number,
  ) {}

  waitedMs(): number {
    return this.clock.monotonicMs() - this.sinceMs;
  }

  get isOver(): boolean {
    return this.waitedMs() >= this.limitMs;
  }

  /** How long to pause before the next request. Half fixed, half drawn: processes that wait do not come in step. */
  pauseMs(): number {
    const pauseMs = Math.min(Math.max(this.waitedMs() / SHARE, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
    return pauseMs * (0.5 + this.random() / 2);
  }

  /** What is left until `untilMs` of waiting in all, or until the limit; at least a millisecond. */
  leftMs(untilMs: number): number {
    return Math.max(1, Math.min(this.limitMs, untilMs) - this.waitedMs());
  }
}
