import type { Backend, LeaseReply } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import type { Limits } from '../../core/limits.js';
import { heldIfGranted } from './lease-requests.js';
import type { WaitBudget } from '../bounds/wait-budget.js';

/** A request that is still to be sent: callers share it until then. */
interface Scheduled {
  readonly sentAtMs: number;
  readonly reply: Promise<LeaseReply>;
}

/**
 * Waiting for the load of another process. However many callers of this process wait for one key, one request is sent at
 * a time, and all use its reply. No caller gets the reply to a request that was sent before it came (rule G2): a request
 * is shared only until it is sent.
 */
export class LeasePolling {
  /** One for each key. */
  private readonly scheduled = new Map<KeyId, Scheduled>();

  constructor(private readonly parts: { readonly backend: Backend; readonly clock: Clock; readonly limits: Limits }) {}

  /**
   * The reply to the next request; undefined when `untilMs` of waiting, or the limit, come before it is sent. What it
   * grants belongs to the caller that scheduled it, whose load has begun before the others learn of it.
   */
  async next(key: Key, budget: WaitBudget, untilMs: number): Promise<LeaseReply | undefined> {
    const { clock } = this.parts;
    const leftMs = budget.leftMs(untilMs);
    const shared = this.scheduled.get(key.id);
    if (shared === undefined) {
      const pauseMs = Math.min(budget.pauseMs(), leftMs);
      const request = { sentAtMs: clock.monotonicMs() + pauseMs, reply: this.ask(key, pauseMs) };
      this.scheduled.set(key.id, request);
      return await request.reply;
    }
    if (clock.monotonicMs() + leftMs >= shared.sentAtMs) return heldIfGranted(await shared.reply);
    await clock.sleep(leftMs);
    return undefined;
  }

  private async ask(key: Key, pauseMs: number): Promise<LeaseReply> {
    const { backend, clock, limits } = this.parts;
    await clock.sleep(pauseMs);
    this.scheduled.delete(key.id);
    return backend.lease(key, { leaseMs: limits.leaseMs, purpose: 'missing' });
  }
}
