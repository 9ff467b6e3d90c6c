import type { LeaseRequest } from '../core/backend.js';
import type { Entry } from '../core/entry.js';
import type { BypassReason } from '../core/observer.js';
import type { Call } from './call.js';

/** How a call is counted that is not served from what is stored. */
export type CountedAs = 'miss' | 'coalesced' | BypassReason;

/** One call on its way to an answer that a read did not give: what it has seen, and what it asks for next. */
export class Attempt {
  /** What the next request for the lease is for. */
  purpose: LeaseRequest['purpose'];
  /** Set while another process loads: until when, counted from the start, the next wait may last. */
  waitUntilMs: number | undefined = undefined;
  /** The request waits for the end of the turn: many callers may come with the same question. */
  gathers = false;
  countedAs: CountedAs;

  constructor(
    readonly call: Call,
    /**
     * A value past its ttl that this caller read itself, after it arrived: only that may be served when the load is slow
     * or fails. What another caller holds may have been invalidated before this one came.
     */
    readonly stale: Entry | undefined,
    /** What the caller read and found unfit. As long as that still stands there, it does not answer the request. */
    public seen: Entry | undefined,
    /** On the logical clock: when the caller asked the backend. It only shares what was sent after that. */
    public askedAt: number,
    /** On the clock of the machine: waiting for others is bounded from here. */
    readonly startedAtMs: number,
  ) {
    this.purpose = 'missing';
    this.countedAs = 'miss';
  }

  /** Makes the next request one for a lease that is granted although something is in its way. */
  insist(purpose: LeaseRequest['purpose'], now: number): void {
    this.purpose = purpose;
    this.seen = undefined;
    this.askedAt = now;
    this.waitUntilMs = undefined;
    this.gathers = false;
  }

  /** Waits for another process before the next request. */
  wait(untilMs: number): void {
    this.purpose = 'missing';
    this.seen = undefined;
    this.waitUntilMs = untilMs;
  }
}
