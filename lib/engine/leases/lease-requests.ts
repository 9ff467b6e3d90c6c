import { isPending, type Awaitable } from '../../core/async/awaitable.js';
import type { Backend, LeaseReply } from '../../core/backend.js';
import { afterThisTurn } from '../../core/clock.js';
import type { KeyId } from '../../core/keys/key.js';
import type { Limits } from '../../core/limits.js';
import type { Attempt } from '../attempt.js';
import type { LogicalClock } from '../logical-clock.js';

interface Pending {
  readonly sentAt: number;
  readonly reply: Promise<LeaseReply>;
}

/**
 * Requests for leases. When many callers miss one key together, one request is sent, and the callers who came before it
 * was sent use its reply; a caller that came later sends its own (rule G2): an invalidation may lie between.
 */
export class LeaseRequests {
  /** Requests for leases of missing entries that are on their way to a server. */
  private readonly pending = new Map<KeyId, Pending>();
  /** Requests that are sent at the end of this turn. */
  private readonly gathering = new Map<KeyId, Promise<LeaseReply>>();

  constructor(
    private readonly parts: { readonly backend: Backend; readonly limits: Limits },
    private readonly clock: LogicalClock,
  ) {}

  /** A reply that was sent for after `attempt.askedAt`. What a shared one grants belongs to the caller that sent it. */
  ask(attempt: Attempt): Awaitable<LeaseReply> {
    if (attempt.gathers) return this.gather(attempt);
    const { call, purpose, seen, askedAt } = attempt;
    const { backend, limits } = this.parts;
    const isShareable = purpose === 'missing' && seen === undefined;
    if (isShareable && this.pending.size > 0) {
      const pending = this.pending.get(call.key.id);
      if (pending !== undefined && pending.sentAt > askedAt) return pending.reply.then(heldIfGranted);
    }
    const reply = backend.lease(call.key, { leaseMs: limits.leaseMs, purpose, seen });
    if (isShareable && isPending(reply)) this.share(call.key.id, reply);
    return reply;
  }

  /**
   * At the end of this turn, for all callers that ask by then. The first of them is the sender: it awaits the reply before
   * any other can.
   */
  private gather({ call: { key } }: Attempt): Promise<LeaseReply> {
    const others = this.gathering.get(key.id);
    if (others !== undefined) return others.then(heldIfGranted);
    const reply = new Promise<LeaseReply>((resolve, reject) => {
      afterThisTurn(() => {
        this.gathering.delete(key.id);
        try {
          const sent = this.parts.backend.lease(key, { leaseMs: this.parts.limits.leaseMs, purpose: 'missing' });
          if (isPending(sent)) this.share(key.id, reply);
          resolve(sent);
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    this.gathering.set(key.id, reply);
    return reply;
  }

  /**
   * The sender awaits the reply in the tick in which it sends; callers that share it come later, and so go on after it.
   * By then the load of what it was granted has begun.
   */
  private share(id: KeyId, reply: Promise<LeaseReply>): void {
    const pending = { sentAt: this.clock.next(), reply };
    this.pending.set(id, pending);
    const end = (): void => {
      if (this.pending.get(id) === pending) this.pending.delete(id);
    };
    reply.then(end, end);
  }
}

/** What was granted to one caller is held by it for all others. */
export function heldIfGranted(reply: LeaseReply): LeaseReply {
  return reply.kind === 'granted' ? { kind: 'held', token: reply.lease.token } : reply;
}
