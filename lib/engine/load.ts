/**
 * What happens when there is no fresh entry: lease → loader → fill, or waiting for whoever holds the lease.
 *
 * Keeps invariants 3 (the stamp comes with the lease, before the loader), 5 (a fill needs its live lease), 6 (the
 * loader runs in the scope of its key) and 13 (its error reaches the caller unchanged). A value that is past its ttl
 * travels along as the caller's own `spare`: each caller serves only what it read after it arrived, so a late joiner
 * is never handed something that was invalidated before it came.
 */
import { isPending, type Awaitable } from '../core/awaitable.js';
import type { Lease, LeaseReply, LeaseRequest, Reading } from '../core/backend.js';
import type { Entry } from '../core/entry.js';
import { BackendError, ReentrantLoadError } from '../core/errors.js';
import { Loading } from '../core/frame.js';
import type { Call } from './call.js';
import type { EngineParts } from './engine-parts.js';
import type { Filler } from './filler.js';
import { LoadContext, NOT_MODIFIED } from './loader.js';
import { inheritInto, type Lookup } from './lookup.js';
import type { LoaderRun } from './loader-run.js';
import type { Report } from './report.js';
import type { Flight, Loaded, SingleFlight } from './single-flight.js';
import { Patience } from './patience.js';

/** Marks, among the outcomes of a wait, that the soft timeout came first. */
const TOO_SLOW: unique symbol = Symbol('too slow');

export interface LoadParts extends EngineParts {
  readonly lookup: Lookup;
  readonly flights: SingleFlight;
  readonly filler: Filler;
  readonly run: LoaderRun;
  readonly report: Report;
}

export class Load {
  constructor(private readonly parts: LoadParts) {}

  /** Gets the caller an answer: by loading, by joining, by waiting, or by the spare when all else fails. */
  foreground(call: Call, spare: Entry | undefined): Awaitable<unknown> {
    if (call.frame?.loading?.isInside(call.key.id) === true) throw new ReentrantLoadError(call.key.space.namespace);
    if (this.parts.flights.size >= this.parts.limits.maxFlights) return this.uncached(call, 'too-many-flights', spare);
    const { limits, random, clock } = this.parts;
    const maxWaitMs = Math.min(limits.maxWaitMs, call.policy.hardTimeoutMs);
    return this.attempt(call, spare, new Patience(clock, random, maxWaitMs));
  }

  /** Reloads an entry that is still being served. Resolves when done, also when somebody else is at it. */
  async background(call: Call, purpose: LeaseRequest['purpose']): Promise<void> {
    const reply = await this.parts.backend.lease(call.key, { leaseMs: this.parts.limits.leaseMs, purpose });
    if (reply.kind !== 'granted') return;
    // Nobody's frame: a refresh outlives the request that noticed it, and acts in the scope of the key alone.
    await this.takeOff({ ...call, frame: undefined }, reply.lease, this.spareOf(reply.reading, call), true).landing;
  }

  /** Runs the loader and stores nothing: the backend is out of reach, or waiting took too long. */
  async uncached(
    call: Call,
    reason: 'backend' | 'waited-too-long' | 'too-many-flights' | 'not-shareable',
    spare: Entry | undefined,
  ): Promise<unknown> {
    this.parts.report.bypass(call.key, reason);
    const joinable = reason === 'backend' ? this.parts.flights.joinable(call.key.id, '') : undefined;
    const flight = joinable ?? this.flightWithoutLease(call, spare, reason === 'backend');
    return this.board(call, flight, spare, joinable === undefined);
  }

  /** The backend failed during a read: answer from the loader, unless the caller wants to know. */
  outage(call: Call, error: unknown, spare: Entry | undefined): Promise<unknown> {
    const failure = this.parts.report.failure(call.key.space, 'read', this.parts.backend.kind, error);
    if (call.policy.failSilently) return this.uncached(call, 'backend', spare);
    throw failure instanceof BackendError
      ? failure
      : new BackendError('read', this.parts.backend.kind, { cause: error });
  }

  private attempt(call: Call, spare: Entry | undefined, patience: Patience): Awaitable<unknown> {
    let reply: Awaitable<LeaseReply>;
    try {
      reply = this.parts.backend.lease(call.key, { leaseMs: this.parts.limits.leaseMs, purpose: 'missing' });
    } catch (error) {
      return this.outage(call, error, spare);
    }
    // A backend in this process answers at once, and the flight must begin in the same breath: whoever comes next in
    // this tick finds it.
    if (!isPending(reply)) return this.follow(call, reply, spare, patience);
    return reply.then(
      (answer) => this.follow(call, answer, spare, patience),
      (error: unknown) => this.outage(call, error, spare),
    );
  }

  private follow(call: Call, reply: LeaseReply, spare: Entry | undefined, patience: Patience): Awaitable<unknown> {
    const { lookup, flights } = this.parts;
    if (reply.kind === 'granted') {
      const ownSpare = this.spareOf(reply.reading, call);
      return this.board(call, this.takeOff(call, reply.lease, ownSpare, false), ownSpare, true);
    }
    if (reply.kind === 'held') {
      const flight = flights.joinable(call.key.id, reply.token);
      return flight === undefined ? this.waitAndRetry(call, spare, patience) : this.board(call, flight, spare, false);
    }
    const { verdict, entry } = lookup.judge(reply.reading, call.key, call.policy);
    if (entry === undefined || verdict === 'grace' || verdict === 'stale')
      return this.waitAndRetry(call, spare, patience);
    inheritInto(call, entry);
    return lookup.serve(call.key, entry, verdict, reply.reading, lookup.startedAtMs());
  }

  /** Another process is loading. Old but usable is better than waiting longer than the soft timeout. */
  private async waitAndRetry(call: Call, spare: Entry | undefined, patience: Patience): Promise<unknown> {
    if (spare !== undefined && patience.waitedMs() >= call.policy.softTimeoutMs) return this.serveSpare(call, spare);
    if (!(await patience.pause(spare === undefined ? Infinity : call.policy.softTimeoutMs))) {
      return this.uncached(call, 'waited-too-long', spare);
    }
    return this.attempt(call, spare, patience);
  }

  /** Waits for a flight, as its leader or as a passenger. */
  private async board(call: Call, flight: Flight, spare: Entry | undefined, isLeader: boolean): Promise<unknown> {
    const outer = call.frame?.loading;
    if (!isLeader && outer?.wouldDeadlock(flight.loading) === true)
      throw new ReentrantLoadError(call.key.space.namespace);
    outer?.waitsFor.add(flight.loading);
    try {
      const landed = await this.withSoftTimeout(flight.landing, call, spare);
      if (landed === TOO_SLOW) return this.serveSpare(call, spare as Entry);
      if (flight.loading.leak !== undefined) outer?.note(flight.loading.leak);
      inheritInto(call, landed);
      return isLeader ? landed.value : this.share(call, landed);
    } catch (error) {
      if (spare !== undefined && this.mayStandIn(spare, call)) return this.serveSpare(call, spare);
      throw error;
    } finally {
      outer?.waitsFor.delete(flight.loading);
    }
  }

  private takeOff(call: Call, lease: Lease, spare: Entry | undefined, isBackground: boolean): Flight {
    const loading = new Loading(call.key, call.frame?.loading);
    const landing = this.loadAndFill(call, lease, loading, spare, isBackground);
    const flight: Flight = { id: call.key.id, token: lease.token, loading, landing };
    this.parts.flights.begin(flight);
    return flight;
  }

  private async loadAndFill(
    call: Call,
    lease: Lease,
    loading: Loading,
    spare: Entry | undefined,
    isBackground: boolean,
  ): Promise<Loaded> {
    const { run, filler } = this.parts;
    const context = contextOf(call, spare);
    const renewal = run.keepLease(lease);
    try {
      const answer = await run.execute(call, context, loading, isBackground);
      const value = answer === NOT_MODIFIED ? spare?.value : answer;
      return await filler.settle(
        { key: call.key, policy: call.policy, rules: call.result, value, context, loading, isLate: renewal.isLate },
        lease,
      );
    } catch (error) {
      await filler.release(lease);
      throw error;
    } finally {
      renewal.stop();
    }
  }

  private flightWithoutLease(call: Call, spare: Entry | undefined, isShared: boolean): Flight {
    const loading = new Loading(call.key, call.frame?.loading);
    const context = contextOf(call, spare);
    const landing = this.parts.run.execute(call, context, loading, false).then((answer) => ({
      value: answer === NOT_MODIFIED ? spare?.value : answer,
      labels: call.key.labels,
      // Nothing was stored, so nothing may be stored around it either.
      freshUntilMs: this.parts.clock.monotonicMs(),
    }));
    const flight: Flight = { id: call.key.id, token: '', loading, landing };
    if (isShared) this.parts.flights.begin(flight);
    return flight;
  }

  /** Passengers get a copy. What cannot be copied (a stream, say) serves one caller only: the others load their own. */
  private share(call: Call, landed: Loaded): Awaitable<unknown> {
    try {
      return this.parts.copier.admit(landed.value, call.policy.isolation ?? 'clone').value;
    } catch {
      // Documented outcome, not a failure: the value could not have been stored either.
      return this.uncached(call, 'not-shareable', undefined);
    }
  }

  private async withSoftTimeout(
    landing: Promise<Loaded>,
    call: Call,
    spare: Entry | undefined,
  ): Promise<Loaded | typeof TOO_SLOW> {
    const { softTimeoutMs } = call.policy;
    if (spare === undefined || softTimeoutMs === Infinity) return landing;
    let cancel = (): void => undefined;
    const tooSlow = new Promise<typeof TOO_SLOW>((resolve) => {
      cancel = this.parts.clock.after(softTimeoutMs, () => resolve(TOO_SLOW));
    });
    try {
      const first = await Promise.race([landing, tooSlow]);
      // The flight goes on without this caller; if it fails later, its own report has said so.
      if (first === TOO_SLOW) landing.catch(() => undefined);
      return first;
    } finally {
      cancel();
    }
  }

  private spareOf(reading: Reading, call: Call): Entry | undefined {
    return this.parts.lookup.judge(reading, call.key, call.policy).entry;
  }

  private mayStandIn(spare: Entry, call: Call): boolean {
    const nowMs = this.parts.clock.monotonicMs();
    return nowMs < spare.freshUntilMs + call.policy.staleIfErrorMs && nowMs < spare.keptUntilMs;
  }

  private serveSpare(call: Call, spare: Entry): unknown {
    inheritInto(call, spare);
    return this.parts.lookup.serve(call.key, spare, 'grace', undefined, this.parts.lookup.startedAtMs());
  }
}

function contextOf(call: Call, spare: Entry | undefined): LoadContext {
  return LoadContext.of(call.key, spare === undefined ? undefined : () => spare.value);
}
