import type { Backend, LeaseReply } from '../../core/backend.js';
import type { Attempt } from '../attempt.js';
import type { Call } from '../call.js';
import type { HeldLeases } from '../held-leases.js';
import type { SingleFlight } from '../single-flight.js';
import type { LeaseRequests } from './lease-requests.js';

export interface LeaseFirstParts {
  readonly backend: Backend;
  readonly held: HeldLeases;
  readonly flights: SingleFlight;
  readonly requests: LeaseRequests;
}

/**
 * Asks for the lease at once where most reads miss: the answer is the entry where there is one, so a miss costs a round
 * trip less. A request for a lease costs the server more than a read does; where most reads hit it does not pay.
 */
export class LeaseFirst {
  constructor(private readonly parts: LeaseFirstParts) {}

  /**
   * Whether a call asks for the lease at once. Not where an entry past its ttl may be served or one be reloaded early:
   * that takes a read. Not inside a load, whose reads have rules of their own.
   */
  applies({ key, policy, frame }: Call): boolean {
    const { held, flights } = this.parts;
    return (
      key.space.stats.missBalance > 0 &&
      policy.staleWhileRevalidateMs === 0 &&
      policy.staleIfErrorMs === 0 &&
      policy.earlyRefresh === 0 &&
      frame?.loading === undefined &&
      !held.isClosed &&
      flights.admits(key)
    );
  }

  /** The reply, which all callers of this turn share that ask the same. */
  async ask(attempt: Attempt): Promise<LeaseReply> {
    const { key } = attempt.call;
    void key.labels;
    attempt.gathers = true;
    try {
      const reply = await this.parts.requests.ask(attempt);
      key.space.stats.noteRead(reply.kind !== 'found');
      return reply;
    } catch (error) {
      // A server that takes no writes may still be read.
      key.space.stats.missBalance = 0;
      throw error;
    } finally {
      attempt.gathers = false;
    }
  }
}
