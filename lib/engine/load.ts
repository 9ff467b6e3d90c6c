/**
 * What happens when there is no fresh entry: lease → loader → fill, or waiting for whoever holds the lease.
 *
 * Keeps invariants 3 (the stamp comes with the lease, before the loader), 5 (a fill needs its live lease), 6 (the
 * loader runs in the scope of its key) and 13 (its error reaches the caller unchanged). A value that is past its ttl
 * travels along as the caller's own `spare`: each caller serves only what it read after it arrived, so a late joiner
 * is never handed something that was invalidated before it came.
 */
import { isPending, type Awaitable } from '../core/async/awaitable.js';
import type { LeaseReply, LeaseRequest } from '../core/backend.js';
import { machineOf } from '../core/clock.js';
import type { Entry } from '../core/entry.js';
import { BackendError, ReentrantLoadError } from '../core/errors.js';
import type { BypassReason } from '../core/observer.js';
import { LoadAwaiter, type Seat, type Served } from './await-load.js';
import type { Call } from './call.js';
import { inheritInto, type Lookup } from './lookup.js';
import { WaitBudget } from './wait-budget.js';
import type { LogicalClock } from './logical-clock.js';
import type { OutageLoads } from './outage-loads.js';
import { LeaseRequests } from './lease-requests.js';
import type { Report } from './report.js';
import { LoadStarter, type LoadStarterParts } from './start-load.js';
import { LeasePolling, type Answer } from './lease-polling.js';

export interface LoadParts extends LoadStarterParts {
  readonly lookup: Lookup;
  readonly report: Report;
  readonly outageLoads: OutageLoads;
  readonly moments: LogicalClock;
}

/** What a call comes to: it returns to the top, and what it says is done there, so that loaders begin on a short stack. */
type Found = Seat | Served;

export class Load {
  /** Boards what the methods here find. */
  readonly boarding: LoadAwaiter;
  private readonly takeoff: LoadStarter;
  private readonly waiting: LeasePolling;
  private readonly questions: LeaseRequests;

  constructor(private readonly parts: LoadParts) {
    this.takeoff = new LoadStarter(parts);
    this.waiting = new LeasePolling({ ...parts, clock: machineOf(parts.clock) });
    this.questions = new LeaseRequests(parts.moments);
    this.boarding = new LoadAwaiter(parts, parts.lookup, {
      again: (call, spare) => this.foreground(call, spare),
      alone: (call) => this.uncached(call, 'not-shareable', undefined),
    });
  }

  /**
   * Finds the caller an answer: by loading, by joining, by waiting, or by the spare when all else fails. `seen` is what
   * the caller read and found unfit, `moment` when it asked for that.
   */
  foreground(call: Call, spare: Entry | undefined, seen = spare, moment = this.parts.moments.now): Awaitable<Found> {
    const { limits, random, clock, flights } = this.parts;
    call.key.settle();
    const around = call.frame?.loading?.enclosing(call.key);
    // A put that looks at what it is about to replace: its own lease is in the way, so it looks past the cache.
    if (around?.isPut === true) return this.uncached(call, 'inside-put', spare);
    if (around !== undefined) return Promise.reject(new ReentrantLoadError(call.key.space.namespace));
    if (!flights.admits(call.key)) return this.uncached(call, 'too-many-flights', spare);
    const maxWaitMs = Math.min(limits.maxWaitMs, call.policy.hardTimeoutMs);
    return this.attempt(call, spare, new WaitBudget(machineOf(clock), random, maxWaitMs), 'missing', seen, moment);
  }

  /** Reloads an entry that is still being served. Resolves when done, also when somebody else is at it. */
  async background(call: Call, purpose: LeaseRequest['purpose']): Promise<void> {
    const { backend, limits, lookup, report } = this.parts;
    let reply: LeaseReply;
    try {
      reply = await backend.lease(call.key.settle(), { leaseMs: limits.leaseMs, purpose });
    } catch (error) {
      report.failure(call.key.space, 'refresh', backend.kind, error);
      return;
    }
    if (reply.kind !== 'granted') return;
    // Nobody's frame: a refresh outlives the request that noticed it, and acts in the scope of the key alone.
    const alone: Call = { ...call, frame: undefined };
    const flight = this.takeoff.leased(alone, reply.lease, lookup.usable(reply.reading, call.key, call.policy), true);
    try {
      await Promise.race([flight.begin(flight), flight.overdue]);
    } catch (error) {
      report.foreign(call.key.space, 'refresh', error);
    }
  }

  /**
   * The backend failed during a read: answer from the loader, unless the caller wants to know. `moment` is when the
   * backend was asked, in the order of this process.
   */
  async outage(
    call: Call,
    error: unknown,
    spare: Entry | undefined,
    moment: number,
    operation: 'read' | 'lease' = 'read',
  ): Promise<Found> {
    const { report, backend, clock, outageLoads } = this.parts;
    const failure = report.failure(call.key.space, operation, backend.kind, error);
    if (call.policy.failSilently === false) {
      throw failure instanceof BackendError ? failure : new BackendError(operation, backend.kind, { cause: error });
    }
    call.key.settle();
    const count = (): void => report.bypass(call.key, 'backend');
    const shared = outageLoads.joinable(call, moment);
    if (shared !== undefined) return this.boarding.passenger(call, shared, spare, count);
    if (!outageLoads.admits(call)) return this.uncached(call, 'too-many-flights', spare);
    const flight = outageLoads.begin(call, (turn) => this.takeoff.unleased(call, spare, clock.monotonicMs(), turn));
    return this.boarding.leader(call, flight, spare, count);
  }

  /** Runs the loader and stores nothing. */
  private uncached(call: Call, reason: BypassReason, spare: Entry | undefined): Seat {
    const { report, clock } = this.parts;
    // Nothing is stored, so nothing may be stored around it either, except by the put that asked.
    const freshUntilMs = reason === 'inside-put' ? Infinity : clock.monotonicMs();
    const flight = this.takeoff.unleased(call, spare, freshUntilMs);
    return this.boarding.leader(call, flight, spare, () => report.bypass(call.key, reason));
  }

  private attempt(
    call: Call,
    spare: Entry | undefined,
    patience: WaitBudget,
    purpose: LeaseRequest['purpose'],
    seen?: Entry,
    moment = this.parts.moments.now,
  ): Awaitable<Found> {
    const { backend, limits, moments } = this.parts;
    const isCold = purpose === 'missing' && seen === undefined;
    const shared = isCold ? this.questions.sharedBy(call.key.id, moment) : undefined;
    const askedAt = moments.now;
    const refused = (error: unknown): Promise<Found> => this.outage(call, error, spare, askedAt, 'lease');
    if (shared !== undefined) {
      return shared.then((answer) => this.follow(call, answer, spare, patience, purpose), refused);
    }
    let reply: Awaitable<LeaseReply>;
    try {
      reply = backend.lease(call.key, { leaseMs: limits.leaseMs, purpose, seen });
    } catch (error) {
      return refused(error);
    }
    // A backend in this process answers at once, and the flight must begin in the same breath: whoever comes next in
    // this tick finds it.
    if (!isPending(reply)) return this.follow(call, reply, spare, patience, purpose);
    const followed = reply.then((answer) => this.follow(call, answer, spare, patience, purpose), refused);
    if (isCold) this.questions.note(call.key.id, reply);
    return followed;
  }

  private follow(
    call: Call,
    reply: LeaseReply,
    spare: Entry | undefined,
    patience: WaitBudget,
    purpose: LeaseRequest['purpose'],
  ): Awaitable<Found> {
    const { lookup, flights, report } = this.parts;
    if (reply.kind === 'granted') {
      const ownSpare = lookup.usable(reply.reading, call.key, call.policy);
      const flight = this.takeoff.leased(call, reply.lease, ownSpare, false);
      return this.boarding.leader(call, flight, ownSpare, () => report.miss(call.key, patience.waitedMs()));
    }
    if (reply.kind === 'held') {
      const flight = flights.joinable(call.key.id, reply.token);
      if (flight !== undefined)
        return this.boarding.passenger(call, flight, spare, () => report.coalesced(call.key, patience.waitedMs()));
      if (flights.isAbandoned(reply.token)) return this.attempt(call, spare, patience, 'replace');
      return this.waitAndRetry(call, spare, patience);
    }
    const { reading } = reply;
    const verdict = lookup.judge(reading, call.key, call.policy);
    if (reading.entry === undefined || (verdict !== 'fresh' && verdict !== 'aging')) {
      // The backend calls it fresh and we cannot use it: another's value, or a clock that runs ahead. Load over it,
      // unless that is what was asked for: replies out of step are waited out.
      const isOutOfStep = purpose !== 'missing';
      return isOutOfStep ? this.waitAndRetry(call, spare, patience) : this.attempt(call, spare, patience, 'refresh');
    }
    inheritInto(call, reading.entry);
    return served(lookup.serve(call.key, reading.entry, verdict, reading, lookup.startedAtMs()));
  }

  /** Another process is loading. Old but usable is better than waiting longer than the soft timeout. */
  private async waitAndRetry(call: Call, spare: Entry | undefined, patience: WaitBudget): Promise<Found> {
    const { softTimeoutMs } = call.policy;
    const canStandIn = spare !== undefined && this.boarding.mayStandIn(spare, call);
    if (canStandIn && patience.waitedMs() >= softTimeoutMs) return served(this.boarding.serveSpare(call, spare));
    if (patience.isOver) return this.uncached(call, 'waited-too-long', spare);
    const moment = this.parts.moments.now;
    let answer: Answer | undefined;
    try {
      answer = await this.waiting.next(call.key, patience, canStandIn ? softTimeoutMs : Infinity);
    } catch (error) {
      return this.outage(call, error, spare, moment, 'lease');
    }
    if (answer === undefined) return this.waitAndRetry(call, spare, patience);
    const { reply, isFirst } = answer;
    // What was granted is the first one's; its flight has begun by now.
    const isTaken = !isFirst && reply.kind === 'granted';
    return this.follow(call, isTaken ? { kind: 'held', token: reply.lease.token } : reply, spare, patience, 'missing');
  }
}

function served(value: unknown): Served {
  return { flight: undefined, value };
}
