import type { Backend, LeaseReply } from '../core/backend.js';
import type { Clock } from '../core/clock.js';
import type { Key, KeyId } from '../core/keys/key.js';
import type { Limits } from '../core/limits.js';
import type { WaitBudget } from './wait-budget.js';

/** The answer to a question that several waiters may have asked together. */
export interface Answer {
  readonly reply: LeaseReply;
  /** Whoever asked first takes what is granted; the others find its flight. */
  readonly isFirst: boolean;
}

/** A question on its way: shared until it is sent. */
interface Question {
  readonly sentAtMs: number;
  readonly reply: Promise<LeaseReply>;
}

/**
 * Waiting for the load of another process. However many wait for one key here, one of them asks again, and all use the
 * answer. Nobody is given an answer to a question that was put before he came (rule G2): a question is shared only until
 * it is sent.
 */
export class LeasePolling {
  /** Questions that were not sent yet, one for each key. */
  private readonly unsent = new Map<KeyId, Question>();

  constructor(private readonly parts: { readonly backend: Backend; readonly clock: Clock; readonly limits: Limits }) {}

  /** The answer to the next question; undefined when `untilMs` of waiting, or the limit, come before it is sent. */
  async next(key: Key, patience: WaitBudget, untilMs: number): Promise<Answer | undefined> {
    const { clock } = this.parts;
    const leftMs = patience.leftMs(untilMs);
    const shared = this.unsent.get(key.id);
    if (shared === undefined) {
      const pauseMs = Math.min(patience.pauseMs(), leftMs);
      const question = { sentAtMs: clock.monotonicMs() + pauseMs, reply: this.ask(key, pauseMs) };
      this.unsent.set(key.id, question);
      return { reply: await question.reply, isFirst: true };
    }
    if (clock.monotonicMs() + leftMs >= shared.sentAtMs) return { reply: await shared.reply, isFirst: false };
    await clock.sleep(leftMs);
    return undefined;
  }

  private async ask(key: Key, pauseMs: number): Promise<LeaseReply> {
    const { backend, clock, limits } = this.parts;
    await clock.sleep(pauseMs);
    this.unsent.delete(key.id);
    return backend.lease(key, { leaseMs: limits.leaseMs, purpose: 'missing' });
  }
}
