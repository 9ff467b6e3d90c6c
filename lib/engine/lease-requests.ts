import type { LeaseReply } from '../core/backend.js';
import type { KeyId } from '../core/keys/key.js';
import type { LogicalClock } from './logical-clock.js';

interface Question {
  readonly sentAt: number;
  readonly reply: Promise<LeaseReply>;
}

/**
 * Questions for leases of missing entries that are on their way to a server. When many miss one key together, one of
 * them asks, and those who came before the question was sent use the answer; whoever came later asks for himself (rule
 * G2): an invalidation may lie between.
 */
export class LeaseRequests {
  private readonly underWay = new Map<KeyId, Question>();

  constructor(private readonly moments: LogicalClock) {}

  /** The answer to a question that was sent after `moment`. What it grants is the asker's; its flight is there by then. */
  sharedBy(id: KeyId, moment: number): Promise<LeaseReply> | undefined {
    const question = this.underWay.get(id);
    if (question === undefined || question.sentAt <= moment) return undefined;
    return question.reply.then((reply) =>
      reply.kind === 'granted' ? { kind: 'held', token: reply.lease.token } : reply,
    );
  }

  /** To be called when the asker has attached itself to the reply: it goes first. */
  note(id: KeyId, reply: Promise<LeaseReply>): void {
    const question = { sentAt: this.moments.next(), reply };
    this.underWay.set(id, question);
    const end = (): void => {
      if (this.underWay.get(id) === question) this.underWay.delete(id);
    };
    reply.then(end, end);
  }
}
