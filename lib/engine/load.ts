/**
 * What happens when there is no fresh entry: lease → loader → fill, or waiting for the process that holds the lease.
 *
 * Keeps invariants 3 (the stamp comes with the lease, before the loader), 5 (a fill needs its live lease), 6 (the
 * loader runs in the scope of its key) and 13 (its error reaches the caller unchanged).
 */
import { isPending, type Awaitable } from '../core/async/awaitable.js';
import type { LeaseReply, LeaseRequest, Reading } from '../core/backend.js';
import type { Entry } from '../core/entry.js';
import { BackendError, ReentrantLoadError } from '../core/errors.js';
import type { BypassReason } from '../core/observer.js';
import { Attempt } from './attempt.js';
import { LoadAwaiter } from './await-load.js';
import type { Call } from './call.js';
import type { InFlightLoad } from './in-flight-load.js';
import { LeasePolling } from './leases/lease-polling.js';
import type { LeaseRequests } from './leases/lease-requests.js';
import type { LogicalClock } from './logical-clock.js';
import { inheritInto, type Lookup } from './lookup.js';
import type { OutageLoads } from './outage-loads.js';
import { LoaderRun, type LoaderRunParts } from './loader-run.js';
import { LoadStarter } from './start-load.js';
import { longestWaitMs, WaitBudget } from './bounds/wait-budget.js';

export interface LoadParts extends LoaderRunParts {
  readonly lookup: Lookup;
  readonly outageLoads: OutageLoads;
  readonly requests: LeaseRequests;
  readonly order: LogicalClock;
}

/** What a request for a lease comes to: a load to lead or to join, or a value that is there after all. */
type Way =
  | { readonly kind: 'lead' | 'join'; readonly load: InFlightLoad }
  | { readonly kind: 'served'; readonly value: unknown };

/** How far a call has come already. */
type Begun =
  /** The backend has failed, at the read where nothing else is said. */
  | { readonly error: unknown; readonly operation?: 'lease' }
  /** The backend has said whose the lease is. */
  | { readonly reply: LeaseReply }
  /** The request for the lease is on its way; or there is a way, or none yet. */
  | { readonly sent: Promise<LeaseReply> | undefined; readonly way: Way | undefined };

export class Load {
  private readonly starter: LoadStarter;
  private readonly loads: LoaderRun;
  private readonly awaiter: LoadAwaiter;
  private readonly polling: LeasePolling;
  private readonly requests: LeaseRequests;

  constructor(private readonly parts: LoadParts) {
    this.starter = new LoadStarter(parts);
    this.polling = new LeasePolling({ ...parts, clock: parts.watching.machine });
    this.requests = parts.requests;
    this.loads = new LoaderRun(parts);
    this.awaiter = new LoadAwaiter(parts, this.loads, parts.lookup, parts.report);
  }

  /**
   * Gets the caller an answer: by leading a load, by joining one, by waiting for one elsewhere, or by its stale fallback
   * when all else fails.
   *
   * A backend in this process replies at once, and the load begins in the same tick: a caller that comes next finds it.
   */
  async run(first: Attempt, begun?: Begun): Promise<unknown> {
    let attempt = first;
    let way: Way | undefined;
    let sent: Promise<LeaseReply> | undefined;
    if (begun === undefined) way = this.beforeLease(first);
    else if ('reply' in begun) way = this.follow(first, begun.reply);
    else if ('error' in begun) way = this.outage(first, begun.operation ?? 'read', begun.error, first.askedAt);
    else ({ sent, way } = begun);
    for (;;) {
      if (way === undefined) {
        const sentAt = this.parts.order.now;
        let reply: LeaseReply | undefined;
        try {
          const request = sent ?? (attempt.waitUntilMs === undefined ? this.requests.ask(attempt) : this.poll(attempt));
          sent = undefined;
          reply = isPending(request) ? await request : request;
        } catch (error) {
          way = this.outage(attempt, 'lease', error, sentAt);
          continue;
        }
        way = reply === undefined ? this.waitOn(attempt) : this.follow(attempt, reply);
      } else if (way.kind === 'served') {
        return way.value;
      } else if (way.kind === 'lead') {
        return await this.awaiter.lead(attempt, way.load);
      } else {
        const joined = await this.awaiter.join(attempt, way.load);
        if (joined.kind === 'served') return joined.value;
        if (joined.kind === 'not-shared') {
          way = this.uncached(attempt, 'not-shareable', undefined);
        } else {
          attempt = this.anew(attempt);
          attempt.gathers = joined.kind === 'answered';
          way = this.beforeLease(attempt);
        }
      }
    }
  }

  /**
   * The same for a call whose read was answered at once. So is its request for the lease, in most cases, and then there is
   * nothing to wait for but the load: `run`, which waits, is a tenth of what a load in memory costs.
   */
  begin(first: Attempt): Promise<unknown> {
    let way: Way | undefined;
    let asked: Awaitable<LeaseReply> | undefined;
    try {
      way = this.beforeLease(first);
      if (way === undefined) {
        try {
          asked = this.requests.ask(first);
        } catch (error) {
          return this.run(first, { error, operation: 'lease' });
        }
        if (!isPending(asked)) way = this.follow(first, asked);
      }
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (way?.kind === 'lead') return this.awaiter.lead(first, way.load);
    return this.run(first, { way, sent: isPending(asked) ? asked : undefined });
  }

  /** Reloads an entry that is still being served. Resolves when done, also when another caller or process is at it. */
  async background(call: Call, purpose: LeaseRequest['purpose']): Promise<void> {
    const { backend, limits, lookup, report } = this.parts;
    let reply: LeaseReply;
    try {
      void call.key.labels;
      reply = await backend.lease(call.key, { leaseMs: limits.leaseMs, purpose });
    } catch (error) {
      report.failure(call.key.space, 'refresh', backend.kind, error);
      return;
    }
    if (reply.kind !== 'granted') return;
    // Without a frame: a refresh outlives the request that noticed it, and acts in the scope of the key alone.
    const alone: Call = { ...call, frame: undefined };
    const load = this.starter.leased(alone, reply.lease, lookup.usable(reply.reading, call.key, call.policy), true);
    try {
      await Promise.race([this.loads.run(load), load.overdue]);
    } catch (error) {
      report.foreign(call.key.space, 'refresh', error);
    }
  }

  /** From the start: the load that the caller waited for is overdue. */
  private anew({ call, stale }: Attempt): Attempt {
    const { order, watching } = this.parts;
    return new Attempt(call, stale, stale, order.now, watching.machine.monotonicMs());
  }

  /** The way of a call that must not ask for a lease. Undefined: it asks. */
  private beforeLease(attempt: Attempt): Way | undefined {
    const { key, frame } = attempt.call;
    void key.labels;
    const around = frame?.loading?.enclosing(key);
    // A put that looks at what it is about to replace: its own lease is in the way, so it looks past the cache.
    if (around?.isPut === true) return this.uncached(attempt, 'inside-put', attempt.stale);
    if (around !== undefined) throw new ReentrantLoadError(key.space.namespace);
    const { flights, watching } = this.parts;
    if (watching.held.isClosed) return this.uncached(attempt, 'closed', attempt.stale);
    return flights.admits(key) ? undefined : this.uncached(attempt, 'too-many-flights', attempt.stale);
  }

  /** Asks for the lease after a pause, while another process loads. Undefined: it has paused, no more. */
  private poll(attempt: Attempt): Promise<LeaseReply | undefined> {
    return this.polling.next(attempt.call.key, this.budgetOf(attempt), attempt.waitUntilMs ?? Infinity);
  }

  private follow(attempt: Attempt, reply: LeaseReply): Way | undefined {
    if (reply.kind === 'found') return this.found(attempt, reply.reading);
    if (reply.kind === 'held') return this.heldBy(attempt, reply.token);
    const { call } = attempt;
    const { lease, reading } = reply;
    const stale = reading.entry && this.parts.lookup.usable(reading, call.key, call.policy);
    attempt.countedAs = 'miss';
    return { kind: 'lead', load: this.starter.leased(call, lease, stale, false) };
  }

  /** Something that the backend calls fresh is there. */
  private found(attempt: Attempt, reading: Reading): Way | undefined {
    const { lookup, order } = this.parts;
    const { call, purpose } = attempt;
    const { entry } = reading;
    const verdict = lookup.judge(reading, call.key, call.policy);
    if (entry !== undefined && (verdict === 'fresh' || verdict === 'aging')) {
      inheritInto(call, entry);
      const value = lookup.serve(call.key, entry, verdict, reading, lookup.startedAtMs());
      return { kind: 'served', value };
    }
    // It cannot be used: another's value, or a clock that runs ahead. Load over it, unless that is what was asked for:
    // replies out of step are waited out.
    if (purpose !== 'missing') return this.waitOn(attempt);
    attempt.insist('refresh', order.now);
    return undefined;
  }

  /** A load is under way: in this process, where it is joined, or in another. */
  private heldBy(attempt: Attempt, token: string): Way | undefined {
    const { flights, order } = this.parts;
    const load = flights.joinable(attempt.call.key.id, token);
    if (load !== undefined) {
      attempt.countedAs = 'coalesced';
      return { kind: 'join', load };
    }
    if (!flights.isAbandoned(token)) return this.waitOn(attempt);
    attempt.insist('replace', order.now);
    return undefined;
  }

  /** Another process is loading. Old but usable is better than waiting longer than the soft timeout. */
  private waitOn(attempt: Attempt): Way | undefined {
    const { call, stale } = attempt;
    const { softTimeoutMs } = call.policy;
    const budget = this.budgetOf(attempt);
    const canStandIn = stale !== undefined && this.awaiter.mayStandIn(stale, call);
    if (canStandIn && budget.waitedMs() >= softTimeoutMs) {
      return { kind: 'served', value: this.awaiter.serveStale(call, stale) };
    }
    // So many callers may have waited for the same load: the source is not run over by all of them.
    if (budget.isOver) return this.inTurn(attempt, 'waited-too-long', attempt.askedAt);
    attempt.wait(canStandIn ? softTimeoutMs : Infinity);
    return undefined;
  }

  private budgetOf({ call, startedAtMs }: Attempt): WaitBudget {
    const { limits, random, watching } = this.parts;
    const { policy, frame } = call;
    const waitMs = longestWaitMs(policy, limits, frame?.loading !== undefined);
    return new WaitBudget(watching.machine, random, Math.min(waitMs, policy.hardTimeoutMs), startedAtMs);
  }

  /** The backend failed: answer from the loader, unless the caller wants to know. It was asked after `sentAt`. */
  private outage(attempt: Attempt, operation: 'read' | 'lease', error: unknown, sentAt: number): Way {
    const { report, backend } = this.parts;
    const { call } = attempt;
    const failure = report.failure(call.key.space, operation, backend.kind, error);
    if (call.policy.failSilently === false) {
      throw failure instanceof BackendError ? failure : new BackendError(operation, backend.kind, { cause: error });
    }
    void call.key.labels;
    return this.inTurn(attempt, 'backend', sentAt);
  }

  /**
   * A load of which nothing is stored, shared by callers that no lease brings together. One that began before `sentAt` is
   * not shared: an invalidation may lie between.
   */
  private inTurn(attempt: Attempt, reason: BypassReason, sentAt: number): Way {
    const { clock, outageLoads } = this.parts;
    const { call, stale } = attempt;
    attempt.countedAs = reason;
    const shared = outageLoads.joinable(call, sentAt);
    if (shared !== undefined) return { kind: 'join', load: shared };
    if (!outageLoads.admits(call)) return this.uncached(attempt, 'too-many-flights', stale);
    const begin = (turn: Promise<void>): InFlightLoad => this.starter.unleased(call, stale, clock.monotonicMs(), turn);
    return { kind: 'lead', load: outageLoads.begin(call, begin) };
  }

  /** A load of which nothing is stored. */
  private uncached(attempt: Attempt, reason: BypassReason, stale: Entry | undefined): Way {
    attempt.countedAs = reason;
    // Nothing may be stored around it either, except by the put that asked.
    const freshUntilMs = reason === 'inside-put' ? Infinity : this.parts.clock.monotonicMs();
    return { kind: 'lead', load: this.starter.unleased(attempt.call, stale, freshUntilMs) };
  }
}
